output "function_arn" {
  value       = aws_lambda_function.authorizer.arn
  description = "The function, for authorizers that are made by hand"
}

output "authorizer_uri" {
  value       = aws_lambda_function.authorizer.invoke_arn
  description = "authorizerUri of such an authorizer"
}

output "role_arn" {
  value       = aws_iam_role.authorizer.arn
  description = "The function's role"
}
