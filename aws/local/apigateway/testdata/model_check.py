"""Calls every operation that the simulator has through boto3 and checks each raw answer against the service model:
members that the model does not know, required members that are missing, wrong types, values outside an enumeration,
status codes. Prints one line per problem and the number of operations at the end."""
import json
import sys
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
url = sys.argv[1]
s = boto3.session.Session(aws_access_key_id='AKIA111122223333', aws_secret_access_key='any', region_name='eu-west-1')
c = s.client('apigateway', endpoint_url=url, config=Config(retries={'max_attempts': 0}))
problems = set()

def check(shape, v, at):
    if v is None:
        return
    t = shape.type_name
    if t == 'structure':
        if not isinstance(v, dict):
            problems.add(f'{at}: {v!r} is no structure')
            return
        names = {m.serialization.get('name', n): m for n, m in shape.members.items() if m.serialization.get('location') is None}
        for k, x in v.items():
            if k not in names:
                problems.add(f'{at}.{k}: not in the model')
                continue
            check(names[k], x, at + '.' + k)
        for r in shape.required_members:
            if shape.members[r].serialization.get('name', r) not in v:
                problems.add(f'{at}.{r}: required and missing')
    elif t == 'list':
        if not isinstance(v, list):
            problems.add(f'{at}: no list')
            return
        for x in v:
            check(shape.member, x, at + '[]')
    elif t == 'map':
        if not isinstance(v, dict):
            problems.add(f'{at}: no map')
            return
        for x in v.values():
            check(shape.value, x, at + '{}')
    elif t == 'string':
        if not isinstance(v, str):
            problems.add(f'{at}: {v!r} no string')
        elif shape.enum and v not in shape.enum:
            problems.add(f'{at}: {v!r} not in enum {shape.enum}')
    elif t in ('integer', 'long'):
        if not isinstance(v, int) or isinstance(v, bool):
            problems.add(f'{at}: {v!r} no int')
    elif t in ('float', 'double'):
        if not isinstance(v, (int, float)):
            problems.add(f'{at}: {v!r} no float')
    elif t == 'boolean':
        if not isinstance(v, bool):
            problems.add(f'{at}: {v!r} no bool')
    elif t == 'timestamp':
        if not isinstance(v, str if shape.serialization.get('timestampFormat') == 'iso8601' else (int, float)):
            problems.add(f'{at}: {v!r} no timestamp')
seen = []

def after(http_response, parsed, model, **kw):
    seen.append(model.name)
    if http_response.status_code >= 300:
        return
    want = model.http.get('responseCode', 200)
    if http_response.status_code != want:
        problems.add(f'{model.name}: status {http_response.status_code}, model says {want}')
    body = http_response.content
    if model.output_shape is None:
        if body:
            problems.add(f'{model.name}: body {body!r} where the model has none')
        return
    if model.has_streaming_output or model.name == 'GetExport':
        return
    check(model.output_shape, json.loads(body), model.name)
c.meta.events.register('after-call.apigateway', after)
doc = open(sys.argv[2], 'rb').read()
api = c.import_rest_api(body=doc)['id']
c.put_rest_api(restApiId=api, mode='merge', body=doc)
a2 = c.create_rest_api(name='x', tags={'a': 'b'}, policy=json.dumps({'Statement': [{'Effect': 'Allow', 'Principal': '*', 'Action': 'execute-api:Invoke', 'Resource': '*'}]}))
c.update_rest_api(restApiId=a2['id'], patchOperations=[dict(op='replace', path='/name', value='y')])
c.get_rest_api(restApiId=api)
c.get_rest_apis()
c.get_resources(restApiId=api)
rs = c.get_resources(restApiId=api, embed=['methods'])['items']
r = [x for x in rs if x['path'] == '/pets'][0]['id']
c.get_resource(restApiId=api, resourceId=r, embed=['methods'])
n = c.create_resource(restApiId=api, parentId=r, pathPart='new')['id']
c.update_resource(restApiId=api, resourceId=n, patchOperations=[dict(op='replace', path='/pathPart', value='newer')])
k = dict(restApiId=api, resourceId=n, httpMethod='GET')
c.put_method(**k, authorizationType='NONE')
c.get_method(**k)
c.update_method(**k, patchOperations=[dict(op='replace', path='/apiKeyRequired', value='true')])
c.put_method_response(**k, statusCode='200', responseParameters={'method.response.header.A': True}, responseModels={'application/json': 'Pet'})
c.get_method_response(**k, statusCode='200')
c.update_method_response(**k, statusCode='200', patchOperations=[dict(op='add', path='/responseParameters/method.response.header.B', value='true')])
c.put_integration(**k, type='MOCK', requestTemplates={'application/json': '{"statusCode":200}'})
c.get_integration(**k)
c.update_integration(**k, patchOperations=[dict(op='replace', path='/timeoutInMillis', value='100')])
c.put_integration_response(**k, statusCode='200', responseTemplates={'application/json': 'hi'})
c.get_integration_response(**k, statusCode='200')
c.update_integration_response(**k, statusCode='200', patchOperations=[dict(op='replace', path='/selectionPattern', value='2..')])
c.test_invoke_method(**k)
c.get_method(**k)
uri = 'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111122223333:function:f/invocations'
z = c.create_authorizer(restApiId=api, name='z', type='TOKEN', authorizerUri=uri, identitySource='method.request.header.Authorization')['id']
c.get_authorizer(restApiId=api, authorizerId=z)
c.get_authorizers(restApiId=api)
c.update_authorizer(restApiId=api, authorizerId=z, patchOperations=[dict(op='replace', path='/authorizerResultTtlInSeconds', value='0')])
c.test_invoke_authorizer(restApiId=api, authorizerId=z, headers={'Authorization': 'x'})
d = c.create_deployment(restApiId=api, stageName='dev', variables={'a': 'b'})['id']
c.get_deployment(restApiId=api, deploymentId=d, embed=['apisummary'])
c.get_deployments(restApiId=api)
c.update_deployment(restApiId=api, deploymentId=d, patchOperations=[dict(op='replace', path='/description', value='x')])
c.create_stage(restApiId=api, stageName='prod', deploymentId=d, canarySettings={'percentTraffic': 1, 'deploymentId': d}, tags={'a': 'b'})
c.get_stage(restApiId=api, stageName='prod')
c.get_stages(restApiId=api)
c.update_stage(restApiId=api, stageName='prod', patchOperations=[dict(op='replace', path='/*/*/throttling/rateLimit', value='1'), dict(op='replace', path='/accessLogSettings/format', value='x')])
c.flush_stage_authorizers_cache(restApiId=api, stageName='dev')
c.flush_stage_cache(restApiId=api, stageName='dev')
c.get_export(restApiId=api, stageName='dev', exportType='oas30', accepts='application/yaml', parameters={'extensions': 'apigateway'})['body'].read()
c.create_model(restApiId=api, name='M', contentType='application/json', schema='{"type":"object"}')
c.get_model(restApiId=api, modelName='M')
c.get_models(restApiId=api)
c.update_model(restApiId=api, modelName='M', patchOperations=[dict(op='replace', path='/description', value='x')])
v = c.create_request_validator(restApiId=api, name='v')['id']
c.get_request_validator(restApiId=api, requestValidatorId=v)
c.get_request_validators(restApiId=api)
c.update_request_validator(restApiId=api, requestValidatorId=v, patchOperations=[dict(op='replace', path='/name', value='x')])
c.put_gateway_response(restApiId=api, responseType='UNAUTHORIZED')
c.get_gateway_response(restApiId=api, responseType='UNAUTHORIZED')
c.get_gateway_responses(restApiId=api)
c.update_gateway_response(restApiId=api, responseType='UNAUTHORIZED', patchOperations=[dict(op='replace', path='/statusCode', value='402')])
key = c.create_api_key(name='k', enabled=True, stageKeys=[dict(restApiId=api, stageName='dev')])['id']
c.get_api_key(apiKey=key, includeValue=True)
c.get_api_keys()
c.update_api_key(apiKey=key, patchOperations=[dict(op='replace', path='/name', value='x')])
p = c.create_usage_plan(name='p', apiStages=[dict(apiId=api, stage='dev')], throttle=dict(rateLimit=1, burstLimit=2), quota=dict(limit=1, period='DAY'))['id']
c.get_usage_plan(usagePlanId=p)
c.get_usage_plans()
c.update_usage_plan(usagePlanId=p, patchOperations=[dict(op='replace', path='/name', value='x')])
c.create_usage_plan_key(usagePlanId=p, keyId=key, keyType='API_KEY')
c.get_usage_plan_key(usagePlanId=p, keyId=key)
c.get_usage_plan_keys(usagePlanId=p)
c.delete_usage_plan_key(usagePlanId=p, keyId=key)
arn = f'arn:aws:apigateway:eu-west-1::/restapis/{api}'
c.tag_resource(resourceArn=arn, tags={'a': 'b'})
c.get_tags(resourceArn=arn)
c.untag_resource(resourceArn=arn, tagKeys=['a'])
c.import_api_keys(body=b'name,key\nimported,apikey1234abcdefghij0123456789\n', format='csv')
c.create_usage_plan_key(usagePlanId=p, keyId=key, keyType='API_KEY')
c.update_usage(usagePlanId=p, keyId=key, patchOperations=[dict(op='replace', path='/remaining', value='5')])
c.get_usage(usagePlanId=p, startDate='2026-03-14', endDate='2026-03-14')
c.delete_usage_plan_key(usagePlanId=p, keyId=key)
c.get_model_template(restApiId=api, modelName='M')
part = c.create_documentation_part(restApiId=api, location={'type': 'METHOD', 'path': '/pets'}, properties='{"summary":"s"}')['id']
c.get_documentation_part(restApiId=api, documentationPartId=part)
c.get_documentation_parts(restApiId=api)
c.update_documentation_part(restApiId=api, documentationPartId=part, patchOperations=[dict(op='replace', path='/properties', value='{}')])
c.import_documentation_parts(restApiId=api, body=json.dumps({'x-amazon-apigateway-documentation': {'documentationParts': [{'location': {'type': 'API'}, 'properties': {'description': 'd'}}]}}))
c.create_documentation_version(restApiId=api, documentationVersion='1')
c.get_documentation_version(restApiId=api, documentationVersion='1')
c.get_documentation_versions(restApiId=api)
c.update_documentation_version(restApiId=api, documentationVersion='1', patchOperations=[dict(op='replace', path='/description', value='x')])
c.delete_documentation_version(restApiId=api, documentationVersion='1')
c.delete_documentation_part(restApiId=api, documentationPartId=part)
cert = c.generate_client_certificate(description='d', tags={'a': 'b'})['clientCertificateId']
c.get_client_certificate(clientCertificateId=cert)
c.get_client_certificates()
c.update_client_certificate(clientCertificateId=cert, patchOperations=[dict(op='replace', path='/description', value='x')])
c.delete_client_certificate(clientCertificateId=cert)
dn = dict(domainName='api.example.com')
c.create_domain_name(**dn, regionalCertificateArn='arn:aws:acm:eu-west-1:111122223333:certificate/x', endpointConfiguration={'types': ['REGIONAL']}, tags={'a': 'b'})
c.get_domain_name(**dn)
c.get_domain_names()
c.update_domain_name(**dn, patchOperations=[dict(op='replace', path='/securityPolicy', value='TLS_1_0')])
c.create_base_path_mapping(**dn, basePath='v1', restApiId=api, stage='dev')
c.get_base_path_mapping(**dn, basePath='v1')
c.get_base_path_mappings(**dn)
c.update_base_path_mapping(**dn, basePath='v1', patchOperations=[dict(op='replace', path='/stage', value='prod')])
c.delete_base_path_mapping(**dn, basePath='v1')
c.delete_domain_name(**dn)
c.get_account()
c.update_account(patchOperations=[dict(op='replace', path='/cloudwatchRoleArn', value='arn:aws:iam::111122223333:role/r')])
c.update_usage_plan(usagePlanId=p, patchOperations=[dict(op='remove', path='/apiStages', value=api + ':dev')])
c.delete_usage_plan(usagePlanId=p)
c.delete_api_key(apiKey=key)
c.delete_gateway_response(restApiId=api, responseType='UNAUTHORIZED')
c.delete_request_validator(restApiId=api, requestValidatorId=v)
c.delete_model(restApiId=api, modelName='M')
c.delete_authorizer(restApiId=api, authorizerId=z)
c.delete_integration_response(**k, statusCode='200')
c.delete_integration(**k)
c.delete_method_response(**k, statusCode='200')
c.delete_method(**k)
c.delete_resource(restApiId=api, resourceId=n)
c.delete_stage(restApiId=api, stageName='prod')
c.delete_stage(restApiId=api, stageName='dev')
c.delete_deployment(restApiId=api, deploymentId=d)
c.delete_rest_api(restApiId=api)
rest = len(set(seen))


# What was not called above has to say that it is not there.
def dummy(shape):
    values = {'string': 'x', 'list': ['x'], 'map': {'x': 'x'}, 'integer': 1, 'structure': {}, 'blob': b'x'}
    return {m: (getattr(shape.members[m], 'enum', None) or [values[shape.members[m].type_name]])[0] for m in shape.required_members}


lacking = []
for name in sorted(set(c.meta.service_model.operation_names) - set(seen)):
    model = c.meta.service_model.operation_model(name)
    try:
        c._make_api_call(name, dummy(model.input_shape) if model.input_shape else {})
        problems.add(f'{name}: was not called by this script and answers')
    except ClientError as e:
        if e.response['ResponseMetadata']['HTTPStatusCode'] != 501:
            problems.add(f'{name}: was not called by this script and is not 501 but {e}')
    lacking.append(name)
c = s.client('apigatewayv2', endpoint_url=url, config=Config(retries={'max_attempts': 0}))
c.meta.events.register('after-call.apigatewayv2', after)
api = c.create_api(Name='h', ProtocolType='HTTP', CorsConfiguration={'AllowOrigins': ['*']})['ApiId']
c.get_api(ApiId=api)
c.get_apis()
c.update_api(ApiId=api, Description='d')
arn = f'arn:aws:apigateway:eu-west-1::/apis/{api}'
c.tag_resource(ResourceArn=arn, Tags={'a': 'b'})
c.get_tags(ResourceArn=arn)
c.untag_resource(ResourceArn=arn, TagKeys=['a'])
z = c.create_authorizer(ApiId=api, Name='z', AuthorizerType='REQUEST', AuthorizerUri=uri, IdentitySource=['$request.header.Authorization'], AuthorizerPayloadFormatVersion='2.0')['AuthorizerId']
c.get_authorizer(ApiId=api, AuthorizerId=z)
c.get_authorizers(ApiId=api)
c.update_authorizer(ApiId=api, AuthorizerId=z, AuthorizerResultTtlInSeconds=60)
i = c.create_integration(ApiId=api, IntegrationType='HTTP_PROXY', IntegrationMethod='ANY', IntegrationUri='https://example.com', PayloadFormatVersion='1.0')['IntegrationId']
c.get_integration(ApiId=api, IntegrationId=i)
c.get_integrations(ApiId=api)
c.update_integration(ApiId=api, IntegrationId=i, TimeoutInMillis=100)
r = c.create_route(ApiId=api, RouteKey='GET /a', Target='integrations/' + i, AuthorizationType='CUSTOM', AuthorizerId=z)['RouteId']
c.get_route(ApiId=api, RouteId=r)
c.get_routes(ApiId=api)
c.update_route(ApiId=api, RouteId=r, AuthorizationType='NONE')
c.create_stage(ApiId=api, StageName='$default', AutoDeploy=True)
c.get_stage(ApiId=api, StageName='$default')
c.get_stages(ApiId=api)
c.update_stage(ApiId=api, StageName='$default', AutoDeploy=False, Description='d')
d = c.create_deployment(ApiId=api)['DeploymentId']
c.get_deployment(ApiId=api, DeploymentId=d)
c.get_deployments(ApiId=api)
c.delete_deployment(ApiId=api, DeploymentId=d)
c.reset_authorizers_cache(ApiId=api, StageName='$default')
c.delete_stage(ApiId=api, StageName='$default')
c.delete_route(ApiId=api, RouteId=r)
c.delete_integration(ApiId=api, IntegrationId=i)
c.delete_authorizer(ApiId=api, AuthorizerId=z)
c.delete_cors_configuration(ApiId=api)
c.delete_api(ApiId=api)
for p in sorted(problems):
    print('PROBLEM', p)
print(rest, 'operations, without', *lacking)
