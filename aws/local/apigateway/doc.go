// Package apigateway simulates Amazon API Gateway: the control plane that tools and SDKs configure, and the
// data plane that callers of the APIs reach.
//
// It owns
//   - the edited state of every REST API (resources, methods, integrations, authorizers, models, gateway responses …),
//     kept apart from deployments, which are immutable snapshots; a stage points to one deployment, and the data plane
//     reads nothing but that snapshot and the stage's own settings,
//   - imports and exports of OpenAPI 3.0 and Swagger 2.0 with the x-amazon-apigateway extensions,
//   - routing, authorizers with their cache, API keys and usage plans, gateway responses, integrations,
//   - the same for HTTP APIs (the apigatewayv2 API, in the files named http…): Lambda and JWT authorizers, Lambda and HTTP
//     backends, stages, deployments, imports and exports,
//   - and for WebSocket APIs (in the files named ws…), down to the frames: connections, their routes, the connection
//     management API for backends. [Service.Close] ends them.
//
// It leaves to others: SigV4 and IAM decisions (the front door, through [wire.Call]), running functions and their
// resource policies (the Lambda service, through [wire.Invoke]), TLS and custom domains.
//
// Where the behaviour of AWS is unknown or reports disagree there is a switch in [Options]; docs/reference/
// local-aws-apigateway.md lists them with what is covered and what not.
//
// Nothing here is a security boundary: whoever reaches the data plane may call every deployed API, as on AWS.
package apigateway
