// Files from the server.
//
//   panelseek.fetchFile(address)  return {blob, name}; throws an Error whose message is a sentence to show
//   panelseek.save(address)       let the browser save a file; throws likewise
(() => {
  const KEPT_FOR = 60_000; // ms that a browser has to begin saving
  const NO_ANSWER = "The server does not answer. Is it still running?";
  const REFUSED = "The server did not send the file. Load this page again.";

  async function fetchFile(address) {
    let answer;
    try {
      answer = await fetch(address);
      if (answer.ok) return { blob: await answer.blob(), name: nameIn(answer.headers.get("content-disposition")) };
    } catch {
      throw new Error(NO_ANSWER);
    }
    const isText = answer.headers.get("content-type")?.startsWith("text/plain");
    throw new Error((isText && (await answer.text().catch(() => ""))) || REFUSED);
  }

  function nameIn(disposition) {
    const encoded = /filename\*=UTF-8''([^;]+)/.exec(disposition ?? "");
    return encoded ? decodeURIComponent(encoded[1]) : "";
  }

  async function save(address) {
    const { blob, name } = await fetchFile(address);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), KEPT_FOR);
    return name;
  }

  Object.assign(panelseek, { fetchFile, save });
})();
