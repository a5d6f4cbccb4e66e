// A service of a story's own, in practice as the one of all stories, which can be killed and started again.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test as base } from './cabinet';

const PROGRAM = process.env.CALLBACK_PROGRAM ?? join(import.meta.dirname, '../../../target/debug/callback');

/** Stories before a service of their own. */
export const test = base.extend<{ service: Service; configured: string }>({
  // Sections of the configuration beside the usual ones.
  configured: ['', { option: true }],
  service: async ({ configured }, use) => {
    const home = await mkdtemp(join(tmpdir(), 'callback-'));
    const service = await Service.in(home, configured);
    await use(service);
    await service.kill();
    await rm(home, { recursive: true });
  },
  baseURL: async ({ service }, use) => use(service.url),
});

export class Service {
  #process: ChildProcess | null = null;

  private constructor(
    readonly home: string,
    readonly url: string,
  ) {}

  static async in(home: string, configured = ''): Promise<Service> {
    const [http, metrics, sip, exchange] = await freePorts();
    const url = `http://127.0.0.1:${http}`;
    const config = `[http]
listen = "127.0.0.1:${http}"
public_url = "${url}"
metrics_listen = "127.0.0.1:${metrics}"
[sip]
listen = ["udp://127.0.0.1:${sip}"]
[media]
ports = "30000-31998"
[practice]
enabled = true
listen = "127.0.0.1:${exchange}"
${configured}`;
    await writeFile(join(home, 'callback.toml'), config);
    const service = new Service(home, url);
    await service.start();
    return service;
  }

  /** Starts it, and waits until it says that it is ready. */
  async start(): Promise<void> {
    this.#process = spawn(PROGRAM, ['serve', '--config', 'callback.toml'], { cwd: this.home, stdio: ['ignore', 'ignore', 'pipe'] });
    const lines = createInterface({ input: this.#process.stderr! });
    const said: string[] = [];
    const ready = new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        said.push(line);
        if (line.includes('ready')) resolve();
      });
      lines.on('close', () => reject(new Error(said.join('\n'))));
    });
    await ready;
  }

  /** Runs the program beside it, as its operator would. */
  async run(...words: string[]): Promise<void> {
    const [code] = (await once(spawn(PROGRAM, [...words, '--config', 'callback.toml'], { cwd: this.home, stdio: ['ignore', 'ignore', 'inherit'] }), 'exit')) as [number];
    if (code !== 0) throw new Error(`callback ${words.join(' ')} ended with ${code}`);
  }

  /** Ends it at once, as a power cut would. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    if (process?.kill('SIGKILL')) await once(process, 'exit');
  }

  /** Lets it stand still: it takes connections, and answers nothing. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }
}

/** Ports that nobody has. */
async function freePorts(): Promise<number[]> {
  const held = [1, 2, 3, 4].map(() => createServer().listen(0, '127.0.0.1'));
  await Promise.all(held.map((server) => once(server, 'listening')));
  const ports = held.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(held.map((server) => once(server.close(), 'close')));
  return ports;
}
