# The role policies of ../../iam, filled in. No provider is needed here, so that this part can be tried anywhere.

variable "partition" {
  type    = string
  default = "aws"
}

variable "region" {
  type = string
}

variable "account" {
  type = string
}

variable "function" {
  type = string
}

variable "secret" {
  type        = string
  description = "ARN of the Secrets Manager secret or SSM parameter that holds ACP_CLIENT_SECRET"
}

variable "store" {
  type        = string
  default     = ""
  description = "s3://bucket/prefix, or empty"
}

variable "parts" {
  type        = set(string)
  description = "discover, attach, replace, cache, store, secret"
}

locals {
  # "s3://bucket/a/b/" -> ["bucket", "a", "b"]
  path   = compact(split("/", trimprefix(var.store, "s3://")))
  bucket = try(local.path[0], "")
  prefix = join("", [for p in try(slice(local.path, 1, length(local.path)), []) : "${p}/"])

  parameter = startswith(var.secret, "arn:${var.partition}:ssm:")
  files     = { for p in var.parts : p => p == "secret" && local.parameter ? "parameter" : p }

  # One replacement after the other: Terraform has no loop for that.
  texts    = { for p, f in local.files : p => replace(file("${path.module}/../../iam/${f}.json"), "{{partition}}", var.partition) }
  placed   = { for p, t in local.texts : p => replace(replace(t, "{{region}}", var.region), "{{account}}", var.account) }
  named    = { for p, t in local.placed : p => replace(replace(t, "{{function}}", var.function), "{{secret}}", var.secret) }
  policies = { for p, t in local.named : p => replace(replace(t, "{{bucket}}", local.bucket), "{{prefix}}", local.prefix) }
}

output "policies" {
  value       = local.policies
  description = "part -> policy document, JSON"
}
