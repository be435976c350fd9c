// Calls of a user of OpenAI's SDK for Node.js.
//
//     node openai_journey.cjs BASE_URL API_KEY VIDEO IMAGE  → the results as JSON
//
// Videos are 128x72 pixels and one second long.

const fs = require("node:fs");
const OpenAI = require("openai").default;
const { toFile } = require("openai");

const [baseURL, apiKey, videoPath, imagePath] = process.argv.slice(2);
const small = { model: "sora-2", seconds: "1", size: "128x72" };
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });

async function poll(id) {
  for (;;) {
    const video = await client.videos.retrieve(id);
    if (!["queued", "in_progress"].includes(video.status)) return video;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function run(prompt, changes = {}) {
  const created = await client.videos.create({ ...small, prompt, ...changes });
  const video = await poll(created.id);
  return { id: video.id, status: video.status, error: video.error, seconds: video.seconds, size: video.size };
}

async function refused(call) {
  try {
    await call();
  } catch (error) {
    return { status: error.status, code: error.code, param: error.param };
  }
  throw new Error("the call was not refused");
}

async function main() {
  const bytes = fs.readFileSync(imagePath);
  const image_url = `data:image/png;base64,${bytes.toString("base64")}`;
  const made = await run("a lighthouse in the fog");
  const content = await client.videos.downloadContent(made.id);
  fs.writeFileSync(videoPath, Buffer.from(await content.arrayBuffer()));
  const file = await toFile(bytes, "image.png", { type: "image/png" });
  const remix = await client.videos.remix(made.id, { prompt: "now at night" });
  const listed = [];
  for await (const video of client.videos.list({ limit: 2 })) listed.push(video.id);
  const results = {
    made,
    "with file": await run("later", { input_reference: file }),
    "with data URL": await run("later", { input_reference: { image_url } }),
    remixed: await poll(remix.id),
    failed: await run("something [filter]"),
    listed,
    refused: {
      id: await refused(() => client.videos.retrieve("job_x")),
      model: await refused(() => run("x", { model: "sora-9" })),
      size: await refused(() => run("x", { size: "4x4" })),
    },
    deleted: (await client.videos.delete(made.id)).deleted,
  };
  process.stdout.write(JSON.stringify(results));
}

main();
