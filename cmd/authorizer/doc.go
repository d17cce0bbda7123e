// Command authorizer is the Lambda function: one zip, called by API Gateway as an authorizer and by EventBridge as a
// synchronisation. Its binary is named bootstrap and runs on provided.al2023.
//
// Everything is wired in main.go; settings.go reads the environment. The decision is in edge/authorizer.
package main
