import { createTheme, type MantineColorsTuple } from "@mantine/core";

const blue: MantineColorsTuple = [
  "#e6f2ff",
  "#cfe4fb",
  "#a1c8f2",
  "#6eaae9",
  "#4491e1",
  "#2a80dc",
  "#1a6fcb",
  "#0b5cad",
  "#09529b",
  "#044588",
];
const dark: MantineColorsTuple = [
  "#dbe3ec",
  "#b8c4d1",
  "#9aa9ba",
  "#6f8092",
  "#26323f",
  "#1f2a35",
  "#151d26",
  "#0f161d",
  "#0c1116",
  "#080b0f",
];

/** Styles of an input whose text is code; what is said about it is not. */
export const MONO = { input: { fontFamily: "var(--mono)" } };

/** Small, square, quiet: a tool that is looked at all day. */
export const theme = createTheme({
  colors: { blue, dark },
  primaryColor: "blue",
  primaryShade: { light: 7, dark: 7 },
  fontFamily:
    'system-ui, "Segoe UI", Roboto, "Hiragino Sans", "Noto Sans JP", "Yu Gothic UI", Meiryo, sans-serif',
  fontFamilyMonospace: "var(--mono)",
  fontSizes: { xs: "12px", sm: "13px", md: "14px" },
  defaultRadius: 4,
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: "xs" } },
    ActionIcon: { defaultProps: { variant: "subtle", size: 24 } },
    TextInput: { defaultProps: { size: "xs" } },
    PasswordInput: { defaultProps: { size: "sm" } },
    Select: { defaultProps: { size: "xs", allowDeselect: false, checkIconPosition: "right" } },
    Autocomplete: { defaultProps: { size: "xs" } },
    TagsInput: { defaultProps: { size: "xs" } },
    Textarea: { defaultProps: { size: "xs" } },
    Checkbox: { defaultProps: { size: "xs" } },
    // What would take the focus first is no item of a menu.
    Menu: { defaultProps: { position: "bottom-start", shadow: "md", withInitialFocusPlaceholder: false } },
    NativeSelect: { defaultProps: { size: "xs" } },
    SegmentedControl: { defaultProps: { size: "xs" } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
  },
});
