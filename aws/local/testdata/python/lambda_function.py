def lambda_handler(event, context):
    token = (event.get("headers") or {}).get("Authorization")
    if token is None:
        raise Exception("Unauthorized")  # API Gateway answers 401
    effect = "Allow" if token == "Bearer good" else "Deny"
    print("decided", effect, "for", event["methodArn"])
    return {
        "principalId": "jane",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}],
        },
    }
