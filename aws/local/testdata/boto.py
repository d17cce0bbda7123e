# Drives the local AWS with boto3; every assertion is about what boto3 made of an answer.
import io
import json
import sys
import urllib.request
import zipfile

import boto3
from botocore.config import Config

where = dict(endpoint_url=sys.argv[1], region_name="eu-west-1", config=Config(retries={"max_attempts": 0}))
admin = dict(where, aws_access_key_id="111122223333", aws_secret_access_key="any")


def policy(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [dict({"Effect": "Allow"}, **statement)]})


iam, functions = boto3.client("iam", **admin), boto3.client("lambda", **admin)
role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=policy(Principal={"Service": "lambda.amazonaws.com"}, Action="sts:AssumeRole"))["Role"]
assert isinstance(role["AssumeRolePolicyDocument"], dict), role
archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as z:
    z.writestr("bootstrap", "#!/bin/sh\n")
functions.create_function(FunctionName="f", Runtime="provided.al2023", Handler="any", Role=role["Arn"], Code={"ZipFile": archive.getvalue()})
functions.get_waiter("function_active_v2").wait(FunctionName="f")
try:
    functions.get_function(FunctionName="nobody")
    raise AssertionError("a function that is not there")
except functions.exceptions.ResourceNotFoundException as error:
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404
try:
    iam.get_role(RoleName="nobody")
    raise AssertionError("a role that is not there")
except iam.exceptions.NoSuchEntityException:
    pass

# With a user's key, so that signatures are verified.
iam.create_user(UserName="jane")
iam.put_user_policy(UserName="jane", PolicyName="all", PolicyDocument=policy(Action="*", Resource="*"))
key = iam.create_access_key(UserName="jane")["AccessKey"]
jane = dict(where, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
assert boto3.client("sts", **jane).get_caller_identity()["Arn"] == "arn:aws:iam::111122223333:user/jane"
found = boto3.client("lambda", **jane).get_function(FunctionName="arn:aws:lambda:eu-west-1:111122223333:function:f")
assert found["Configuration"]["State"] == "Active", found
assert boto3.client("apigateway", **jane).get_rest_apis(limit=5)["items"] == []
events = boto3.client("events", **jane)
events.put_rule(Name="r", ScheduleExpression="rate(1 minute)")
assert events.list_rules()["Rules"][0]["State"] == "ENABLED"
secrets = boto3.client("secretsmanager", **jane)
secrets.create_secret(Name="s", SecretString="value")
assert secrets.get_secret_value(SecretId="s")["SecretString"] == "value"
assert secrets.list_secrets()["SecretList"][0]["CreatedDate"].year > 2020
jane["config"] = Config(signature_version="s3v4")
s3 = boto3.client("s3", **jane)
s3.create_bucket(Bucket="amzn-s3-demo-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
name = "\u00fc +&=?/x"
s3.put_object(Bucket="amzn-s3-demo-bucket", Key=name, Body=io.BytesIO(b"x" * 100000))
assert len(s3.get_object(Bucket="amzn-s3-demo-bucket", Key=name)["Body"].read()) == 100000
assert [o["Key"] for o in s3.list_objects_v2(Bucket="amzn-s3-demo-bucket")["Contents"]] == [name]
url = s3.generate_presigned_url("get_object", Params={"Bucket": "amzn-s3-demo-bucket", "Key": name})
assert len(urllib.request.urlopen(url).read()) == 100000
print("ok")
