// Package signed is an HTTP client for AWS's REST-JSON services: requests signed by SigV4, retried within a budget,
// answers and errors decoded.
//
// It exists because the SDK's service clients would add megabytes and milliseconds to the Lambda; of the SDK only the
// signer is linked. It owns endpoints (by partition and region, and AWS_ENDPOINT_URL), credentials (those of the Lambda
// environment, read anew for each call since they are replaced), pace, deadlines and error texts. It knows no operation:
// those are in aws/discover and aws/attach.
package signed
