// The pages in a real browser, before a real service: `cargo xtask test` starts one in practice and says where.

import { defineConfig } from '@playwright/test';

const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export default defineConfig({
  testDir: '.',
  outputDir: '../node_modules/.browser',
  // Stories of one service: what one writes the next may read.
  workers: 1,
  retries: 0,
  expect: { timeout: 15_000 },
  timeout: 120_000,
  reporter: [['line']],
  use: {
    baseURL: process.env.CALLBACK_URL ?? 'http://127.0.0.1:8080',
    locale: 'ru-RU',
    timezoneId: 'Europe/Moscow',
    // Colours are read when nothing fades any more.
    contextOptions: { reducedMotion: 'reduce' },
    launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args },
    trace: 'retain-on-failure',
  },
});
