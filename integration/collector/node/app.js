// A service without a line about SGP or OTLP: the environment configures OpenTelemetry. It
// answers one HTTP request, in which an agent calls a model, and ends.
const http = require('node:http');
const { trace } = require('@opentelemetry/api');

const tracer = trace.getTracer('service');

const server = http.createServer((_, response) => {
  tracer.startActiveSpan('invoke_agent planner', (agent) => {
    agent.setAttributes({ 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.conversation.id': 'c1' });
    tracer.startActiveSpan('chat gpt-4o', (call) => {
      call.setAttributes({
        'gen_ai.operation.name': 'chat',
        'gen_ai.usage.input_tokens': 120,
        'gen_ai.usage.output_tokens': 30,
        'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: 'Hello?' }] }]),
      });
      call.end();
    });
    agent.setAttribute('gen_ai.usage.input_tokens', 120);
    agent.end();
    response.end('done');
  });
});

server.listen(0, '127.0.0.1', () => {
  http.get({ port: server.address().port, path: '/ask' }, (response) => {
    response.resume();
    response.on('end', () => {
      server.close();
      process.kill(process.pid, 'SIGTERM'); // the SDK flushes when it is told to stop
    });
  });
});
