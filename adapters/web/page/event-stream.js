// Reads server-sent events from the body of a response: `EventSource` can only GET.

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      buffer += value;
      // A carriage return at the very end may be half of a pair.
      const parts = buffer.split(/\r\n|\n|\r(?!$)/);
      buffer = parts.pop();
      yield* parts;
    }
    if (buffer.endsWith("\r")) yield buffer.slice(0, -1);
  } finally {
    // A stream that broke off rejects being cancelled, and has thrown its error already.
    reader.cancel().catch(() => {});
  }
}

export async function* serverSentEvents(stream) {
  let type = "message";
  let data = [];
  for await (const line of lines(stream)) {
    const [, field, value] = line.match(/^([^:]*):? ?(.*)$/s);
    if (field === "event") type = value;
    else if (field === "data") data.push(value);
    else if (line === "") {
      if (data.length) yield { type, data: JSON.parse(data.join("\n")) };
      type = "message";
      data = [];
    }
  }
}
