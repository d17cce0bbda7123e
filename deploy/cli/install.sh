#!/bin/sh
# Installs the authorizer into one AWS account and region, or brings what is there up to date. Run it where the zip was
# downloaded to, with credentials that may manage IAM roles, Lambda, EventBridge and Secrets Manager. Running it again is
# safe: it changes what differs and keeps environment variables that it does not know.
#
# It needs the AWS CLI (version 1 or 2) and a POSIX shell. Settings are environment variables:
#
#   ACP_CLIENT_ID, ACP_ISSUER_URL   of the gateway, from its SETTINGS
#   ACP_CLIENT_SECRET_FILE          a file with the secret; it is put into Secrets Manager
#   ACP_CLIENT_SECRET_ARN           or: the secret of Secrets Manager that holds it already
#                                   neither: a secret of a former run is kept, else the script asks
#   AWS_REGION                      the region of the REST APIs
#   ARCH, ZIP                       x86_64 or arm64; the zip for it
#   FUNCTION, ROLE, RULE            names; ROLE and RULE are FUNCTION's unless set
#   ATTACH                          false: the authorizer reads and attaches nothing (AWS_CREATE_AUTHORIZER)
#   REPLACE                         true: it may replace other authorizers (AWS_REPLACE_AUTHORIZERS)
#   AWS_AUTHORIZER_TTL              for how many seconds API Gateway may keep answers; 0
#   AWS_LOCAL_CONFIGURATION         s3://bucket/prefix for the last good configuration
#
# The client secret is never an argument of a command, and is not in the function's configuration: that holds an ARN.
set -eu
umask 077

ACP_CLIENT_ID="${ACP_CLIENT_ID:-}"
ACP_ISSUER_URL="${ACP_ISSUER_URL:-}"
ACP_CLIENT_SECRET_FILE="${ACP_CLIENT_SECRET_FILE:-}"
ACP_CLIENT_SECRET_ARN="${ACP_CLIENT_SECRET_ARN:-}"
REGION="${AWS_REGION:-${AWS_DEFAULT_REGION:-}}"
ARCH="${ARCH:-x86_64}"
ZIP="${ZIP:-authorizer-$ARCH.zip}"
FUNCTION="${FUNCTION:-cloudentity-microperimeter-authorizer}"
ROLE="${ROLE:-$FUNCTION}"
RULE="${RULE:-$FUNCTION}"
ATTACH="${ATTACH:-true}"
REPLACE="${REPLACE:-false}"
TTL="${AWS_AUTHORIZER_TTL:-0}"
STORE="${AWS_LOCAL_CONFIGURATION:-}"
SECRET="portcullis/$FUNCTION"

fail() {
	echo "install.sh: $*" >&2
	exit 1
}

[ -n "$ACP_CLIENT_ID" ] || fail "ACP_CLIENT_ID is not set; copy it from the gateway's SETTINGS"
[ -n "$ACP_ISSUER_URL" ] || fail "ACP_ISSUER_URL is not set; copy it from the gateway's SETTINGS"
[ -n "$REGION" ] || fail "AWS_REGION is not set; it must be the region of your REST APIs"
case "$ARCH" in x86_64 | arm64) ;; *) fail "ARCH must be x86_64 or arm64" ;; esac
case "$ATTACH,$REPLACE" in true,true | true,false | false,false) ;; *) fail "ATTACH and REPLACE are true or false; REPLACE needs ATTACH" ;; esac
case "$TTL" in auto | [0-9] | [0-9][0-9] | [0-9][0-9][0-9] | [0-3][0-9][0-9][0-9]) ;; *) fail "AWS_AUTHORIZER_TTL must be 0, auto, or a number of seconds up to 3600" ;; esac
[ "$ATTACH,$TTL" = false,0 ] || [ "$ATTACH" = true ] || fail "AWS_AUTHORIZER_TTL needs ATTACH"
case "$STORE" in "" | s3://?*) ;; *) fail "AWS_LOCAL_CONFIGURATION must look like s3://bucket/prefix" ;; esac
case "$ACP_CLIENT_ID$ACP_ISSUER_URL$ACP_CLIENT_SECRET_ARN$STORE" in *[!A-Za-z0-9:/._~+=@%-]*) fail "a setting has a character that does not belong there" ;; esac
[ -f "$ZIP" ] || fail "there is no $ZIP here; download it from the gateway's QUICK START, or set ZIP"
command -v aws >/dev/null 2>&1 || fail "the AWS CLI is not installed"

export AWS_DEFAULT_REGION="$REGION" AWS_REGION="$REGION" AWS_PAGER=""
tmp=$(mktemp -d)
terminal=""
clean() {
	[ -z "$terminal" ] || stty "$terminal"
	rm -rf "$tmp"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

# known CODE COMMAND…: what the command prints; nothing when AWS answers CODE; any other failure ends the script.
known() {
	code=$1
	shift
	if "$@" 2>"$tmp/error"; then return 0; fi
	if grep -q "($code)" "$tmp/error"; then return 0; fi
	cat "$tmp/error" >&2
	return 1
}

CALLER=$(aws sts get-caller-identity --query '[Account,Arn]' --output text)
ACCOUNT=$(echo "$CALLER" | cut -f 1)
PARTITION=$(echo "$CALLER" | cut -f 2 | cut -d : -f 2)

echo "The client secret"
if [ -n "$ACP_CLIENT_SECRET_ARN" ]; then
	SECRET_ARN=$ACP_CLIENT_SECRET_ARN
else
	SECRET_ARN=$(known ResourceNotFoundException aws secretsmanager describe-secret --secret-id "$SECRET" --query ARN --output text)
	if [ -n "$ACP_CLIENT_SECRET_FILE" ]; then
		tr -d '\r\n' <"$ACP_CLIENT_SECRET_FILE" >"$tmp/secret"
	elif [ -z "$SECRET_ARN" ]; then
		[ -t 0 ] || fail "ACP_CLIENT_SECRET_FILE or ACP_CLIENT_SECRET_ARN must be set when there is no terminal to ask at"
		printf 'ACP_CLIENT_SECRET: '
		terminal=$(stty -g)
		stty -echo
		IFS= read -r typed
		stty "$terminal"
		terminal=""
		echo
		printf %s "$typed" >"$tmp/secret"
		unset typed
	fi
	if [ -f "$tmp/secret" ]; then
		[ -s "$tmp/secret" ] || fail "the client secret is empty"
		if [ -z "$SECRET_ARN" ]; then
			SECRET_ARN=$(aws secretsmanager create-secret --name "$SECRET" --description "Client secret of the authorizer $FUNCTION" \
				--secret-string "file://$tmp/secret" --query ARN --output text)
		else
			aws secretsmanager put-secret-value --secret-id "$SECRET_ARN" --secret-string "file://$tmp/secret" >/dev/null
		fi
		rm -f "$tmp/secret"
	fi
fi

echo "The role $ROLE"
ROLE_ARN=$(known NoSuchEntity aws iam get-role --role-name "$ROLE" --query Role.Arn --output text)
present=""
if [ -n "$ROLE_ARN" ]; then
	present=$(aws iam list-role-policies --role-name "$ROLE" --query PolicyNames --output text)
else
	ROLE_ARN=$(aws iam create-role --role-name "$ROLE" --description "Role of the authorizer $FUNCTION" --query Role.Arn --output text --assume-role-policy-document \
		'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}')
fi
aws iam attach-role-policy --role-name "$ROLE" --policy-arn "arn:$PARTITION:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"

# put_policy NAME: an inline policy of the role, from standard input.
put_policy() {
	cat >"$tmp/policy.json"
	aws iam put-role-policy --role-name "$ROLE" --policy-name "portcullis-$1" --policy-document "file://$tmp/policy.json"
}

# drop_policy NAME: the role has no such policy afterwards.
drop_policy() {
	case "$present" in *"portcullis-$1"*) known NoSuchEntity aws iam delete-role-policy --role-name "$ROLE" --policy-name "portcullis-$1" ;; esac
}

put_policy discover <<POLICY
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Discover",
      "Effect": "Allow",
      "Action": "apigateway:GET",
      "Resource": [
        "arn:${PARTITION}:apigateway:${REGION}::/restapis",
        "arn:${PARTITION}:apigateway:${REGION}::/restapis/*/stages",
        "arn:${PARTITION}:apigateway:${REGION}::/restapis/*/stages/*/exports/oas30",
        "arn:${PARTITION}:apigateway:${REGION}::/restapis/*/deployments/*",
        "arn:${PARTITION}:apigateway:${REGION}::/restapis/*/resources",
        "arn:${PARTITION}:apigateway:${REGION}::/restapis/*/authorizers"
      ]
    }
  ]
}
POLICY
if [ "$ATTACH" = true ]; then
	put_policy attach <<POLICY
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "CreateAuthorizer",
      "Effect": "Allow",
      "Action": "apigateway:POST",
      "Resource": "arn:${PARTITION}:apigateway:${REGION}::/restapis/*/authorizers",
      "Condition": {
        "StringLike": {
          "apigateway:Request/AuthorizerUri": "arn:${PARTITION}:apigateway:${REGION}:lambda:path/2015-03-31/functions/arn:${PARTITION}:lambda:${REGION}:${ACCOUNT}:function:${FUNCTION}/invocations"
        }
      }
    },
    {
      "Sid": "RepairAuthorizer",
      "Effect": "Allow",
      "Action": "apigateway:PATCH",
      "Resource": "arn:${PARTITION}:apigateway:${REGION}::/restapis/*/authorizers/*",
      "Condition": {
        "StringLikeIfExists": {
          "apigateway:Request/AuthorizerUri": "arn:${PARTITION}:apigateway:${REGION}:lambda:path/2015-03-31/functions/arn:${PARTITION}:lambda:${REGION}:${ACCOUNT}:function:${FUNCTION}/invocations"
        }
      }
    },
    {
      "Sid": "AttachToMethods",
      "Effect": "Allow",
      "Action": "apigateway:PATCH",
      "Resource": "arn:${PARTITION}:apigateway:${REGION}::/restapis/*/resources/*/methods/*"
    },
    {
      "Sid": "BeInvoked",
      "Effect": "Allow",
      "Action": "lambda:AddPermission",
      "Resource": "arn:${PARTITION}:lambda:${REGION}:${ACCOUNT}:function:${FUNCTION}",
      "Condition": {
        "StringEqualsIfExists": {
          "lambda:Principal": "apigateway.amazonaws.com"
        }
      }
    }
  ]
}
POLICY
else
	drop_policy attach
fi
if [ "$REPLACE" = true ]; then
	put_policy replace <<POLICY
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "RememberWhatWasThere",
      "Effect": "Allow",
      "Action": [
        "apigateway:PUT",
        "apigateway:DELETE"
      ],
      "Resource": "arn:${PARTITION}:apigateway:${REGION}::/tags/arn*restapis*",
      "Condition": {
        "ForAllValues:StringLike": {
          "aws:TagKeys": "portcullis:previous:*"
        }
      }
    }
  ]
}
POLICY
else
	drop_policy replace
fi
if [ "$TTL" != 0 ]; then
	put_policy cache <<POLICY
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "EmptyCaches",
      "Effect": "Allow",
      "Action": "apigateway:DELETE",
      "Resource": "arn:${PARTITION}:apigateway:${REGION}::/restapis/*/stages/*/cache/authorizers"
    },
    {
      "Sid": "MarkCaching",
      "Effect": "Allow",
      "Action": [
        "apigateway:PUT",
        "apigateway:DELETE"
      ],
      "Resource": "arn:${PARTITION}:apigateway:${REGION}::/tags/arn*restapis*",
      "Condition": {
        "ForAllValues:StringLike": {
          "aws:TagKeys": "portcullis:caching"
        }
      }
    }
  ]
}
POLICY
else
	drop_policy cache
fi
case "${SECRET_ARN}" in
*:ssm:*)
	put_policy secret <<POLICY
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadParameter",
      "Effect": "Allow",
      "Action": "ssm:GetParameter",
      "Resource": "${SECRET_ARN}"
    }
  ]
}
POLICY
	;;
*)
	put_policy secret <<POLICY
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "ReadSecret",
      "Effect": "Allow",
      "Action": "secretsmanager:GetSecretValue",
      "Resource": "${SECRET_ARN}"
    }
  ]
}
POLICY
	;;
esac
if [ -n "$STORE" ]; then
	BUCKET=${STORE#s3://}
	PREFIX=""
	case "$BUCKET" in
	*/*)
		PREFIX=${BUCKET#*/}
		PREFIX=${PREFIX%/}${PREFIX:+/}
		BUCKET=${BUCKET%%/*}
		;;
	esac
	put_policy store <<POLICY
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "KeepConfiguration",
      "Effect": "Allow",
      "Action": [
        "s3:GetObject",
        "s3:PutObject"
      ],
      "Resource": "arn:${PARTITION}:s3:::${BUCKET}/${PREFIX}portcullis-*.conf"
    },
    {
      "Sid": "TellAbsentFromRefused",
      "Effect": "Allow",
      "Action": "s3:ListBucket",
      "Resource": "arn:${PARTITION}:s3:::${BUCKET}"
    }
  ]
}
POLICY
else
	drop_policy store
fi

echo "The function ${FUNCTION}"
settings="{\"ACP_CLIENT_ID\":\"$ACP_CLIENT_ID\",\"ACP_CLIENT_SECRET\":\"$SECRET_ARN\",\"ACP_ISSUER_URL\":\"$ACP_ISSUER_URL\",\"AWS_CREATE_AUTHORIZER\":\"$ATTACH\",\"AWS_REPLACE_AUTHORIZERS\":\"$REPLACE\",\"AWS_AUTHORIZER_TTL\":\"$TTL\",\"AWS_LOCAL_CONFIGURATION\":\"$STORE\"}"
FUNCTION_ARN=$(known ResourceNotFoundException aws lambda get-function-configuration --function-name "$FUNCTION" --query FunctionArn --output text)
if [ -n "$FUNCTION_ARN" ]; then
	aws lambda update-function-code --function-name "$FUNCTION" --architectures "$ARCH" --zip-file "fileb://$ZIP" >/dev/null
	aws lambda wait function-updated-v2 --function-name "$FUNCTION"
	aws lambda get-function-configuration --function-name "$FUNCTION" --output json \
		--query "{Variables: merge(not_null(Environment.Variables, \`{}\`), \`$settings\`)}" >"$tmp/environment.json"
	aws lambda update-function-configuration --function-name "$FUNCTION" --role "$ROLE_ARN" --environment "file://$tmp/environment.json" >/dev/null
else
	echo "{\"Variables\":$settings}" >"$tmp/environment.json"
	try=1
	until FUNCTION_ARN=$(aws lambda create-function --function-name "$FUNCTION" --runtime provided.al2023 --architectures "$ARCH" \
		--handler cloudentity-mp-aws-gw-authorizer --role "$ROLE_ARN" --timeout 10 --memory-size 128 --zip-file "fileb://$ZIP" \
		--environment "file://$tmp/environment.json" --query FunctionArn --output text 2>"$tmp/error"); do
		# A new role takes some seconds to be known everywhere.
		if [ "$try" -ge 10 ] || ! grep -q 'cannot be assumed by Lambda' "$tmp/error"; then
			cat "$tmp/error" >&2
			exit 1
		fi
		try=$((try + 1))
		sleep 3
	done
fi
aws lambda wait function-updated-v2 --function-name "$FUNCTION"

echo "Who may invoke it"
known ResourceConflictException aws lambda add-permission --function-name "$FUNCTION" --statement-id portcullis-apigateway-authorizers \
	--action lambda:InvokeFunction --principal apigateway.amazonaws.com --source-account "$ACCOUNT" \
	--source-arn "arn:$PARTITION:execute-api:$REGION:$ACCOUNT:*/authorizers/*" >/dev/null
known ResourceConflictException aws lambda add-permission --function-name "$FUNCTION" --statement-id portcullis-schedule \
	--action lambda:InvokeFunction --principal events.amazonaws.com --source-account "$ACCOUNT" \
	--source-arn "arn:$PARTITION:events:$REGION:$ACCOUNT:rule/$RULE" >/dev/null

echo "The schedule $RULE"
aws events put-rule --name "$RULE" --schedule-expression 'rate(1 minute)' --description "The authorizer $FUNCTION discovers and attaches" >/dev/null
failed=$(aws events put-targets --rule "$RULE" --targets "Id=authorizer,Arn=$FUNCTION_ARN" --query FailedEntryCount --output text)
[ "$failed" = 0 ] || fail "EventBridge did not take the function as the target of $RULE"

echo "Installed: $FUNCTION_ARN"
echo "Its first run is within a minute. The gateway's QUICK START then shows that it has authenticated and what it found."
