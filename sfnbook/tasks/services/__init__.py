"""AWS services as answers for Tasks, called through boto3: `sfnbook.tasks.aws`.

The way of a call: `backend` sees which kind of Task it is, `calling` sends one request, `casing`
turns parameters and responses from Step Functions' form into the API's and back, `failures` names
what went wrong, `jobs` waits for ``.sync``.  `embedded` is the account that lives in this process.
"""
