variable "region" {
  type        = string
  description = "Region of the REST APIs; the AWS provider must be configured for the same one"

  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2}$", var.region))
    error_message = "region must be an AWS region, like eu-west-1."
  }
}

variable "client_id" {
  type        = string
  description = "ACP_CLIENT_ID, from the gateway's SETTINGS"

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+$", var.client_id))
    error_message = "client_id must have letters, digits, dots, dashes and underscores only, as in the gateway's SETTINGS."
  }
}

variable "issuer_url" {
  type        = string
  description = "ACP_ISSUER_URL, from the gateway's SETTINGS"

  validation {
    condition     = can(regex("^https?://[^[:space:]]+$", var.issuer_url))
    error_message = "issuer_url must be a URL, like https://portcullis.example.com/default/system."
  }
}

variable "client_secret_arn" {
  type        = string
  description = "ARN of the Secrets Manager secret or SSM parameter that holds ACP_CLIENT_SECRET. The secret itself would end up in the state"

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:[0-9]{12}:secret|ssm:[a-z0-9-]+:[0-9]{12}:parameter)[:/][^*?[:space:]]+$", var.client_secret_arn))
    error_message = "client_secret_arn must be the ARN of a Secrets Manager secret or of an SSM parameter, not the secret itself."
  }
}

variable "package" {
  type        = string
  description = "Path of the zip from the gateway's QUICK START"
}

variable "architecture" {
  type        = string
  default     = "x86_64"
  description = "That of the zip"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be x86_64 or arm64."
  }
}

variable "function_name" {
  type        = string
  default     = "cloudentity-microperimeter-authorizer"
  description = "Name of the function; its role may be invoked and attached under this name only"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.function_name))
    error_message = "function_name must have 1 to 64 letters, digits, dashes and underscores."
  }
}

variable "role_name" {
  type        = string
  default     = null
  description = "Name of the role; the function's unless set"
}

variable "rule_name" {
  type        = string
  default     = null
  description = "Name of the schedule's rule; the function's unless set"
}

variable "memory_size" {
  type        = number
  default     = 128
  description = "MB"

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240
    error_message = "memory_size must be 128 to 10240 MB."
  }
}

variable "timeout" {
  type        = number
  default     = 10
  description = "Seconds that one run of discovery may take; what does not fit goes on in the next one"

  validation {
    condition     = var.timeout >= 5 && var.timeout <= 60
    error_message = "timeout must be 5 to 60 seconds."
  }
}

variable "attach" {
  type        = bool
  default     = true
  description = "Whether the authorizer attaches itself to bound API groups (AWS_CREATE_AUTHORIZER)"
}

variable "replace" {
  type        = bool
  default     = false
  description = "Whether it may take the place of other authorizers (AWS_REPLACE_AUTHORIZERS); needs attach"
}

variable "authorizer_ttl" {
  type        = string
  default     = "0"
  description = "For how many seconds API Gateway may keep answers (AWS_AUTHORIZER_TTL); needs attach"

  validation {
    condition     = can(regex("^(auto|[0-9]{1,4})$", var.authorizer_ttl))
    error_message = "authorizer_ttl must be 0, auto, or a number of seconds up to 3600."
  }
}

variable "configuration_store" {
  type        = string
  default     = ""
  description = "s3://bucket/prefix for the last good configuration (AWS_LOCAL_CONFIGURATION), or empty"

  validation {
    condition     = can(regex("^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9/_.=-]*)?)?$", var.configuration_store))
    error_message = "configuration_store must look like s3://bucket/prefix."
  }
}

variable "environment" {
  type        = map(string)
  default     = {}
  description = "Further environment variables, like CONFIG_REFRESH_INTERVAL"

  validation {
    condition     = length(setintersection(keys(var.environment), ["ACP_CLIENT_ID", "ACP_CLIENT_SECRET", "ACP_ISSUER_URL"])) == 0
    error_message = "environment must not repeat the gateway's three values; they have variables of their own."
  }
}

variable "log_retention_days" {
  type        = number
  default     = 30
  description = "How long CloudWatch keeps the log; null leaves the log group to Lambda, which keeps it for ever"
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags of everything that is made"
}
