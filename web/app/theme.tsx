import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import { Button } from './ui.js';

const THEMES = ['auto', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

const NAMES: Readonly<Record<Theme, string>> = {
  auto: 'as the system has it',
  light: 'light',
  dark: 'dark',
};

/** Kept in the browser; one that forbids that starts with the system's. */
function storedTheme(): Theme {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem('theme')) ?? 'auto';
  } catch {
    return 'auto';
  }
}

/** Puts the chosen colours on the page. Called before it is first drawn. */
export function applyTheme(theme: Theme = storedTheme()): void {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem('theme', theme);
  } catch {
    // The choice lasts as long as the page.
  }
}

/** Goes through the colours: as the system, light, dark. */
export function ThemeButton(): JSX.Element {
  const [theme, setTheme] = useState(storedTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
  return (
    <Button
      kind="quiet"
      label={`Colours: ${NAMES[theme]}. Change to ${NAMES[next]}.`}
      title={`Colours: ${NAMES[theme]}`}
      onClick={() => {
        applyTheme(next);
        setTheme(next);
      }}
    >
      <span class={`theme-mark theme-${theme}`} aria-hidden="true" />
    </Button>
  );
}
