export const handler = async (event) => {
  const token = event.headers?.Authorization;
  if (token === undefined) throw new Error('Unauthorized'); // API Gateway answers 401
  const effect = token === 'Bearer good' ? 'Allow' : 'Deny';
  console.log('decided', effect, 'for', event.methodArn);
  return {
    principalId: 'jane',
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: effect, Resource: event.methodArn }],
    },
  };
};
