import './styles/app.css';
import { mount } from 'svelte';

// `--mode mock` serves the API from memory; a build leaves it out.
if (import.meta.env.MODE === 'mock') (await import('./mock')).install();

const { default: App } = await import('./App.svelte');
const target = document.getElementById('app');
if (target) mount(App, { target });
