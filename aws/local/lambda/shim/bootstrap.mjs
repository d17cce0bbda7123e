// Runs a Node.js handler (module.function in _HANDLER) against the Lambda Runtime API.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const env = process.env;
const [host, port] = env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, where, body) {
  return new Promise((resolve, reject) => {
    const data = body === undefined ? undefined : Buffer.from(body);
    const headers = data ? { 'Content-Type': 'application/json', 'Content-Length': data.length } : {};
    const req = http.request({ host, port, method, agent, headers, path: '/2018-06-01/runtime' + where }, (res) => {
      const parts = [];
      res.on('data', (part) => parts.push(part));
      res.on('end', () => resolve({ headers: res.headers, body: Buffer.concat(parts).toString() }));
      res.on('error', reject);
    });
    req.on('error', reject);
    req.end(data);
  });
}

function failure(error) {
  if (error instanceof Error) {
    return { errorType: error.name, errorMessage: error.message, trace: (error.stack || '').split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

class HandlerError extends Error {
  constructor(name, message) {
    super(message);
    this.name = name;
  }
}

async function load() {
  const handler = env._HANDLER;
  const dot = handler.indexOf('.', handler.lastIndexOf('/') + 1);
  if (dot < 1) throw new HandlerError('Runtime.MalformedHandlerName', `Bad handler: ${handler}`);
  const base = path.resolve(env.LAMBDA_TASK_ROOT, handler.slice(0, dot));
  const file = ['.mjs', '.js', '.cjs'].map((ext) => base + ext).find((name) => fs.existsSync(name));
  if (!file) throw new HandlerError('Runtime.ImportModuleError', `Error: Cannot find module '${handler.slice(0, dot)}'`);
  const found = await import(pathToFileURL(file).href);
  const name = handler.slice(dot + 1);
  const run = found[name] ?? found.default?.[name];
  if (typeof run !== 'function') throw new HandlerError('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
  return run;
}

function context(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(deadline - Date.now(), 0),
  };
}

// A handler answers with a promise or through its third parameter.
function run(handler, event, ctx) {
  return new Promise((resolve, reject) => {
    const result = handler(event, ctx, (error, value) => (error ? reject(error) : resolve(value)));
    if (result && typeof result.then === 'function') result.then(resolve, reject);
    else if (handler.length < 3) resolve(result);
  });
}

let handler;
try {
  handler = await load();
} catch (error) {
  await call('POST', '/init/error', JSON.stringify(failure(error)));
  process.exit(1);
}
for (;;) {
  const next = await call('GET', '/invocation/next');
  const ctx = context(next.headers);
  const where = `/invocation/${ctx.awsRequestId}`;
  try {
    const value = await run(handler, JSON.parse(next.body), ctx);
    await call('POST', `${where}/response`, JSON.stringify(value ?? null));
  } catch (error) {
    console.error(error);
    await call('POST', `${where}/error`, JSON.stringify(failure(error)));
  }
}
