// Package secrets is the local AWS's Secrets Manager and Systems Manager Parameter Store: secrets and parameters that a
// function reads instead of having them in its environment variables. There is no rotation, no replication and no KMS:
// a SecureString is kept like a String, and who asks for it without decryption receives text that is not its value.
package secrets
