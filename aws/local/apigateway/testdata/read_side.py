"""Builds one API by single calls and prints what reading it back says, one "step.member = value" per line, so that two
implementations can be compared. Identifiers are numbered in the order in which they appear and times are left out."""
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

session = boto3.session.Session(aws_access_key_id="AKIA111122223333", aws_secret_access_key="any", region_name="eu-west-1")
c = session.client("apigateway", endpoint_url=sys.argv[1], config=Config(retries={"max_attempts": 0}))
names = {}
lines = []


def text(key, value):
    if key in ("id", "rootResourceId", "parentId", "authorizerId", "deploymentId", "cacheNamespace") and isinstance(value, str):
        return names.setdefault(value, f"<{len(names)}>")
    if key in ("createdDate", "lastUpdatedDate"):
        return "time"
    return json.dumps(value)


def show(at, key, value):
    if isinstance(value, dict):
        if not value:
            lines.append(f"{at} = {{}}")
        for k in sorted(value):
            if k != "ResponseMetadata":
                show(f"{at}.{k}", k, value[k])
    elif isinstance(value, list):
        if value and isinstance(value[0], dict):
            value = sorted(value, key=lambda v: v.get("path") or v.get("name") or v.get("stageName") or "")
        if not value:
            lines.append(f"{at} = []")
        for i, v in enumerate(value):
            show(f"{at}.{i}", key, v)
    else:
        lines.append(f"{at} = {text(key, value)}")


def step(name, call, /, **args):
    try:
        answer = call(**args)
        show(name, "", {"status": answer["ResponseMetadata"]["HTTPStatusCode"], **answer})
        return answer
    except ClientError as e:
        show(name, "", {"status": e.response["ResponseMetadata"]["HTTPStatusCode"], "error": e.response["Error"]["Code"], "text": e.response["Error"]["Message"].replace("123456789012", "111122223333")})
        return {}


uri = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111122223333:function:my-function/invocations"
api = step("create", c.create_rest_api, name="PetStore", description="d", endpointConfiguration={"types": ["REGIONAL"]})
rest = {"restApiId": api["id"]}
root = api.get("rootResourceId") or c.get_resources(**rest)["items"][0]["id"]
pets = step("pets", c.create_resource, **rest, parentId=root, pathPart="pets")["id"]
pet = step("pet", c.create_resource, **rest, parentId=pets, pathPart="{petId}")["id"]
guard = step("authorizer", c.create_authorizer, **rest, name="guard", type="REQUEST", authorizerUri=uri, identitySource="method.request.header.Authorization", authorizerResultTtlInSeconds=60)["id"]
for verb, resource, kind in (("GET", pets, "NONE"), ("POST", pets, "AWS_IAM"), ("GET", pet, "CUSTOM")):
    more = {"authorizerId": guard} if kind == "CUSTOM" else {}
    at = dict(**rest, resourceId=resource, httpMethod=verb)
    name = f"{verb} {'pets' if resource == pets else 'pet'}"
    step(name + " method", c.put_method, **at, authorizationType=kind, **more)
    step(name + " response", c.put_method_response, **at, statusCode="200")
    step(name + " integration", c.put_integration, **at, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    step(name + " integration response", c.put_integration_response, **at, statusCode="200", responseTemplates={"application/json": "[]"})
dep = step("deploy", c.create_deployment, **rest, stageName="dev", description="first").get("id", "none")
step("get api", c.get_rest_api, **rest)
step("get resources", c.get_resources, **rest)
step("get resources embedded", c.get_resources, **rest, embed=["methods"])
step("get method", c.get_method, **rest, resourceId=pet, httpMethod="GET")
step("get authorizers", c.get_authorizers, **rest)
step("get stages", c.get_stages, **rest)
step("get deployment", c.get_deployment, **rest, deploymentId=dep)
step("get deployment embedded", c.get_deployment, **rest, deploymentId=dep, embed=["apisummary"])
step("attach", c.update_method, **rest, resourceId=pets, httpMethod="GET", patchOperations=[{"op": "replace", "path": "/authorizationType", "value": "CUSTOM"}, {"op": "replace", "path": "/authorizerId", "value": guard}])
step("detach", c.update_method, **rest, resourceId=pets, httpMethod="GET", patchOperations=[{"op": "replace", "path": "/authorizationType", "value": "NONE"}])
step("no method", c.get_method, **rest, resourceId=pets, httpMethod="PUT")
step("no api", c.get_rest_api, restApiId="zzzzzzzzzz")
step("no resource", c.get_resource, **rest, resourceId="zzzzzz")
step("no stage", c.get_stage, **rest, stageName="none")
step("delete used authorizer", c.delete_authorizer, **rest, authorizerId=guard)
step("delete used deployment", c.delete_deployment, **rest, deploymentId=dep)
print("\n".join(lines))
