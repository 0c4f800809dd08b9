// Parses server-sent events from a response body, because `EventSource` supports only GET.

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      buffer += value;
      // A trailing carriage return may be half of a CRLF.
      const parts = buffer.split(/\r\n|\n|\r(?!$)/);
      buffer = parts.pop();
      yield* parts;
    }
    if (buffer.endsWith("\r")) yield buffer.slice(0, -1);
  } finally {
    // A broken stream rejects cancellation; its error has already been thrown.
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
