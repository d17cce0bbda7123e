# The authorizer of one gateway. Put the secret of its SETTINGS into Secrets Manager first: it must not be in this file nor
# in the state.

provider "aws" {
  region = "eu-west-1"
}

module "authorizer" {
  source = "../" # where the module is

  region            = "eu-west-1"
  client_id         = "c0ffee0123456789"
  issuer_url        = "https://portcullis.example.com/default/system"
  client_secret_arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:portcullis/authorizer-AbCdEf"
  function_name     = "cloudentity-microperimeter-authorizer"
  architecture      = "x86_64"
  package           = "authorizer-x86_64.zip"
}

output "function_arn" {
  value = module.authorizer.function_arn
}
