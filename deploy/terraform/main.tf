# The authorizer: function, role with the least that it needs, permission for API Gateway, schedule.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = var.region

  parts = concat(
    ["discover", "secret"],
    var.attach ? ["attach"] : [],
    var.replace ? ["replace"] : [],
    var.authorizer_ttl == "0" ? [] : ["cache"],
    var.configuration_store == "" ? [] : ["store"],
  )
}

module "policy" {
  source = "./policy"

  partition = local.partition
  region    = local.region
  account   = local.account
  function  = var.function_name
  secret    = var.client_secret_arn
  store     = var.configuration_store
  parts     = local.parts
}

resource "aws_iam_role" "authorizer" {
  name        = coalesce(var.role_name, var.function_name)
  description = "Role of the authorizer ${var.function_name}"
  tags        = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.authorizer.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_role_policy" "authorizer" {
  for_each = toset(local.parts)

  role   = aws_iam_role.authorizer.id
  name   = "portcullis-${each.key}"
  policy = module.policy.policies[each.key]
}

resource "aws_cloudwatch_log_group" "authorizer" {
  count = var.log_retention_days == null ? 0 : 1

  name              = "/aws/lambda/${var.function_name}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_lambda_function" "authorizer" {
  function_name    = var.function_name
  description      = "Portcullis authorizer"
  role             = aws_iam_role.authorizer.arn
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  memory_size      = var.memory_size
  timeout          = var.timeout
  tags             = var.tags

  environment {
    variables = merge({
      ACP_CLIENT_ID           = var.client_id
      ACP_CLIENT_SECRET       = var.client_secret_arn # the authorizer reads the secret itself
      ACP_ISSUER_URL          = var.issuer_url
      AWS_CREATE_AUTHORIZER   = tostring(var.attach)
      AWS_REPLACE_AUTHORIZERS = tostring(var.replace)
      AWS_AUTHORIZER_TTL      = var.authorizer_ttl
      AWS_LOCAL_CONFIGURATION = var.configuration_store
    }, var.environment)
  }

  depends_on = [aws_cloudwatch_log_group.authorizer, aws_iam_role_policy.authorizer, aws_iam_role_policy_attachment.logs]

  lifecycle {
    precondition {
      condition     = var.attach || !var.replace && var.authorizer_ttl == "0"
      error_message = "replace and authorizer_ttl need attach."
    }
  }
}

# One statement for every authorizer of this account and region: a function policy holds 20,480 bytes at most.
resource "aws_lambda_permission" "api_gateway" {
  statement_id   = "portcullis-apigateway-authorizers"
  function_name  = aws_lambda_function.authorizer.function_name
  action         = "lambda:InvokeFunction"
  principal      = "apigateway.amazonaws.com"
  source_account = local.account
  source_arn     = "arn:${local.partition}:execute-api:${local.region}:${local.account}:*/authorizers/*"
}

resource "aws_cloudwatch_event_rule" "every_minute" {
  name                = coalesce(var.rule_name, var.function_name)
  description         = "The authorizer ${var.function_name} discovers and attaches"
  schedule_expression = "rate(1 minute)"
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "authorizer" {
  rule      = aws_cloudwatch_event_rule.every_minute.name
  target_id = "authorizer"
  arn       = aws_lambda_function.authorizer.arn
}

resource "aws_lambda_permission" "schedule" {
  statement_id  = "portcullis-schedule"
  function_name = aws_lambda_function.authorizer.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.every_minute.arn
}
