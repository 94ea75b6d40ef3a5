namespace MLflow;

/// <summary>How much is kept of images, audio, files and vectors in a call.</summary>
public enum MediaCapture
{
    /// <summary>Small ones whole; of larger ones a beginning, with size, type and SHA-256.</summary>
    Preview,

    /// <summary>Everything, up to <see cref="OpenAIAutologOptions.MaxCaptureBytes"/> of each body. Needed to replay a trace that has such content.</summary>
    Whole,
}
