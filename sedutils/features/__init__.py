"""From sound to what networks read: spectra, frames, targets, augmentation."""
