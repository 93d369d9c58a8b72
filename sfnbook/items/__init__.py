"""What a Distributed Map reads before its iterations and writes after them.

``store`` is S3 as the simulator sees it, ``formats`` turns the bytes of one object into items,
``reader`` finds the objects, ``batcher`` groups items, ``writer`` makes the state's result.
"""
