import { defineConfig } from 'vitest/config';

export default defineConfig({ define: { CALL: '""' }, test: { include: ['src/**/*.test.ts'] } });
