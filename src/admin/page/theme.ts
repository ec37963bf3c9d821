const KEY = 'theme'

type Theme = 'light' | 'dark'

const dark = matchMedia('(prefers-color-scheme: dark)')

/**
 * Light or dark: as the system, until somebody chooses
 */
export function followTheme (button: HTMLElement, onChange: () => void): void {
  const current = (): Theme => (localStorage.getItem(KEY) as Theme | null) ?? (dark.matches ? 'dark' : 'light')

  const apply = (): void => {
    const theme = current()

    document.documentElement.dataset.theme = theme
    button.textContent = theme === 'dark' ? 'Light' : 'Dark'
    button.title = `Change to ${theme === 'dark' ? 'light' : 'dark'} colours`
    onChange()
  }

  button.addEventListener('click', () => {
    localStorage.setItem(KEY, current() === 'dark' ? 'light' : 'dark')
    apply()
  })
  dark.addEventListener('change', apply)
  apply()
}
