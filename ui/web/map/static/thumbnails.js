// Thumbnails of panels, fetched and decoded in the background. The least recently used are dropped.
const MAX_CACHED = 640;
const FETCH_DELAY = 80; // ms without movement before thumbnails are fetched
const thumbnails = new Map(); // panel id -> decoded image, the most recently used last
const requested = new Set(); // ids being fetched, or without a thumbnail
let fetchTimer;

const thumbnailAddress = (id) => `pictures/panel/${id}?v=map${generation}`;

function cachedThumbnail(id) {
  const image = thumbnails.get(id);
  if (image && thumbnails.delete(id)) thumbnails.set(id, image);
  return image;
}

function fetchMissing(ids) {
  const missing = ids.filter((id) => !thumbnails.has(id) && !requested.has(id));
  clearTimeout(fetchTimer);
  if (missing.length) fetchTimer = setTimeout(() => missing.forEach(fetchThumbnail), FETCH_DELAY);
}

// createImageBitmap decodes off the main thread; decoding hundreds of images while drawing would stutter.
async function fetchThumbnail(id) {
  requested.add(id);
  const fetchedFor = generation;
  try {
    const answer = await fetch(thumbnailAddress(id));
    if (!answer.ok) return; // there is none; not requested again
    const image = await createImageBitmap(await answer.blob());
    if (fetchedFor !== generation) return image.close();
    if (thumbnails.size >= MAX_CACHED) dropThumbnail(thumbnails.keys().next().value);
    thumbnails.set(id, image);
    scheduleDraw();
  } catch {
    return; // server unreachable or image unreadable: the dot stays
  }
  requested.delete(id);
}

function dropThumbnail(id) {
  thumbnails.get(id).close();
  thumbnails.delete(id);
}

function clearThumbnails() {
  for (const id of [...thumbnails.keys()]) dropThumbnail(id);
  requested.clear();
}
