// Calls of a user of Together's SDK for Node.js.
//
//     node together_journey.cjs BASE_URL API_KEY IMAGE  → the results as JSON

const fs = require("node:fs");
const Together = require("together-ai").default;

const [baseURL, apiKey, imagePath] = process.argv.slice(2);
const client = new Together({ baseURL, apiKey, maxRetries: 0 });
const small = { model: "sandbox-together/sandbox-1", seconds: "1", width: 128, height: 72 };

async function run(prompt, changes = {}) {
  const created = await client.videos.create({ ...small, prompt, ...changes });
  let video = created;
  while (video.status === "in_progress") {
    await new Promise((resolve) => setTimeout(resolve, 200));
    video = await client.videos.retrieve(created.id);
  }
  return video;
}

async function refused(call) {
  try {
    await call();
  } catch (error) {
    return { status: error.status, code: error.error.error.code };
  }
  throw new Error("the call was not refused");
}

async function main() {
  const input_image = `data:image/png;base64,${fs.readFileSync(imagePath).toString("base64")}`;
  const results = {
    made: await run("a lighthouse in the fog", { seed: 7 }),
    "with image": await run("from an image", { media: { frame_images: [{ input_image, frame: "first" }] } }),
    failed: await run("[fail]"),
    refused: {
      id: await refused(() => client.videos.retrieve("job_x")),
      size: await refused(() => run("x", { width: 4, height: 4 })),
    },
  };
  process.stdout.write(JSON.stringify(results));
}

main();
