//! Colours and symbols. Whatever a colour says, a symbol or a word says too: colours are for speed only, and come from
//! the terminal's own sixteen, which its user has chosen to be readable.

use ratatui::style::{Color, Modifier, Style};

use crate::diagnose::Severity;

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// The terminal's sixteen.
    On,
    /// None: bold, dim and reverse have to do.
    Off,
}

/// The styles of the screen.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    colours: Colours,
}

impl Theme {
    /// The styles with or without colours.
    pub fn new(colours: Colours) -> Self {
        Self { colours }
    }

    fn colour(self, colour: Color) -> Style {
        match self.colours {
            Colours::On => Style::new().fg(colour),
            Colours::Off => Style::new(),
        }
    }

    /// Usual text.
    pub fn text(self) -> Style {
        Style::new()
    }

    /// Text that matters less.
    pub fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// A title or the name of something.
    pub fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// A heading inside a page.
    pub fn heading(self) -> Style {
        self.colour(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// The name of a header field or a value.
    pub fn name(self) -> Style {
        self.colour(Color::Cyan)
    }

    /// Something to be typed.
    pub fn command(self) -> Style {
        self.colour(Color::Green)
    }

    /// The selected line of the list that has the keys.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The selected line of a list that does not have the keys.
    pub fn selected_elsewhere(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    /// A line that must not be overlooked.
    pub fn alarm(self) -> Style {
        match self.colours {
            Colours::On => Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD),
            Colours::Off => Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED),
        }
    }

    /// How bad something is.
    pub fn severity(self, severity: Severity) -> Style {
        match severity {
            Severity::Error => self.colour(Color::Red).add_modifier(Modifier::BOLD),
            Severity::Warning => self.colour(Color::Yellow).add_modifier(Modifier::BOLD),
            Severity::Notice => self.colour(Color::Cyan),
            Severity::Normal => self.colour(Color::Green),
        }
    }

    /// A status code.
    pub fn status(self, status: u16) -> Style {
        match status {
            ..300 => self.colour(Color::Green),
            300..400 => self.colour(Color::Cyan),
            400..500 => self.colour(Color::Yellow),
            500.. => self.colour(Color::Red),
        }
    }

    /// The bar of a phase.
    pub fn bar(self) -> Style {
        self.colour(Color::Blue)
    }
}

/// The symbol of a severity, one column wide in every terminal.
pub fn symbol(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "✖",
        Severity::Warning => "!",
        Severity::Notice => "i",
        Severity::Normal => "✔",
    }
}

/// The symbol of what still runs.
pub const RUNNING: &str = "»";
