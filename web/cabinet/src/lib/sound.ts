// Sounds that people bring, in whatever form their machine knows, as the telephone network plays them.

/** Samples a second of a telephone. */
const RATE = 8000;

/** A sound as a WAV file: one channel, 8000 samples of 16 bits a second. Throws where the file is no sound. */
export async function asWav(file: Blob): Promise<{ wav: Blob; seconds: number }> {
  const around = new OfflineAudioContext(1, 1, RATE);
  const sound = await around.decodeAudioData(await file.arrayBuffer());
  // One context plays the sound into another's buffer: mixed to one channel, at its rate.
  const length = Math.max(1, Math.ceil(sound.duration * RATE));
  const context = new OfflineAudioContext(1, length, RATE);
  const source = new AudioBufferSourceNode(context, { buffer: sound });
  source.connect(context.destination);
  source.start();
  const played = await context.startRendering();
  return { wav: new Blob([wav(played.getChannelData(0), RATE)], { type: 'audio/wav' }), seconds: sound.duration };
}

/** Samples of −1 to 1 as a WAV file (RIFF, PCM of 16 bits, one channel). */
export function wav(samples: Float32Array, rate: number): ArrayBuffer {
  const file = new ArrayBuffer(44 + samples.length * 2);
  const view = new DataView(file);
  const text = (at: number, letters: string) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, 'RIFF');
  view.setUint32(4, file.byteLength - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, i) => view.setInt16(44 + i * 2, Math.round(Math.max(-1, Math.min(1, sample)) * 32767), true));
  return file;
}
