// Calls of a user of fal's client for JavaScript.
//
//     node fal_journey.cjs BASE_URL API_KEY IMAGE  → the results as JSON
//
// The client calls https://queue.fal.run, and https://rest.fal.ai for files; its request middleware
// sends the calls to the stack.

const fs = require("node:fs");
const { createFalClient } = require("@fal-ai/client");

const [baseURL, credentials, imagePath] = process.argv.slice(2);
const app = "fal-ai/ltx-video";
const small = { duration: 1, video_size: { width: 128, height: 72 } };

function connect(key) {
  return createFalClient({
    credentials: key,
    requestMiddleware: async (request) => ({
      ...request,
      url: request.url
        .replace("https://queue.fal.run", baseURL)
        .replace("https://rest.fal.ai", new URL("/fal", baseURL).href),
    }),
  });
}

const fal = connect(credentials);

async function subscribe(prompt, changes = {}, endpoint = app) {
  const states = [];
  const result = await fal.subscribe(endpoint, {
    input: { prompt, ...small, ...changes },
    logs: true,
    mode: "polling",
    pollInterval: 100,
    onQueueUpdate: (update) => states.push(update.status),
  });
  return { id: result.requestId, data: result.data, states: [...new Set(states)] };
}

async function refused(call) {
  try {
    await call();
  } catch (error) {
    return { status: error.status, detail: JSON.stringify(error.body) };
  }
  throw new Error("the call was not refused");
}

async function cancelled() {
  const { request_id: requestId } = await fal.queue.submit(app, {
    input: { prompt: "a long one [slow=600]", ...small },
  });
  await fal.queue.cancel(app, { requestId });
  const ended = await fal.queue.subscribeToStatus(app, { requestId, mode: "polling", pollInterval: 100 });
  return ended.status;
}

async function streamed() {
  const { request_id: requestId } = await fal.queue.submit(app, { input: { prompt: "a kite", ...small } });
  const states = [];
  const ended = await fal.queue.subscribeToStatus(app, {
    requestId,
    mode: "streaming",
    onQueueUpdate: (update) => states.push(update.status),
  });
  const { video } = (await fal.queue.result(app, { requestId })).data;
  return { ended: ended.status, states: [...new Set(states)], size: video.file_size };
}

async function main() {
  const image_url = `data:image/png;base64,${fs.readFileSync(imagePath).toString("base64")}`;
  const file = new Blob([fs.readFileSync(imagePath)], { type: "image/png" }); // the client uploads it
  const made = await subscribe("a lighthouse in the fog");
  const results = {
    made,
    "with image": await subscribe("later", { image_url }, `${app}/image-to-video`),
    "with upload": await subscribe("later", { image_url: file }, `${app}/image-to-video`),
    "by id": (await fal.queue.result(app, { requestId: made.id })).data,
    cancelled: await cancelled(),
    streamed: await streamed(),
    refused: {
      filtered: await refused(() => subscribe("something [filter]")),
      duration: await refused(() => subscribe("x", { duration: 99 })),
      id: await refused(() => fal.queue.status(app, { requestId: "job_x" })),
      key: await refused(() => connect("rk_0000000000000000_x").queue.submit(app, { input: small })),
    },
  };
  process.stdout.write(JSON.stringify(results));
}

main();
