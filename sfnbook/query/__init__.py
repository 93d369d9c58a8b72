"""Text -> closure: paths, payload templates, intrinsic functions, Choice rules, JSONata."""
