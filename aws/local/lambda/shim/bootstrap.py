# Runs a Python handler (module.function in _HANDLER) against the Lambda Runtime API.
import importlib
import json
import os
import sys
import time
import traceback
import urllib.request

BASE = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)


def post(path, value):
    body = json.dumps(value).encode()
    OPENER.open(urllib.request.Request(BASE + path, data=body, headers={"Content-Type": "application/json"})).close()


def failure(error, request_id=None):
    text = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": traceback.format_tb(error.__traceback__)}
    if request_id:
        text["requestId"] = request_id
    return text


def load():
    module, _, function = os.environ["_HANDLER"].rpartition(".")
    if not module:
        raise ImportError("Bad handler %r: not enough values to unpack (expected module.function)" % os.environ["_HANDLER"])
    return getattr(importlib.import_module(module.replace("/", ".")), function)


def main():
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    sys.stdout.reconfigure(line_buffering=True)
    try:
        handler = load()
    except BaseException as error:
        kind = {ModuleNotFoundError: "Runtime.ImportModuleError", AttributeError: "Runtime.HandlerNotFound"}.get(type(error))
        text = failure(error)
        text["errorType"] = kind or text["errorType"]
        post("/init/error", text)
        sys.exit(1)
    while True:
        with OPENER.open(BASE + "/invocation/next") as reply:
            headers, event = reply.headers, reply.read()
        context = Context(headers)
        path = "/invocation/" + context.aws_request_id
        try:
            post(path + "/response", handler(json.loads(event), context))
        except Exception as error:
            traceback.print_exc(file=sys.stdout)
            post(path + "/error", failure(error, context.aws_request_id))


main()
