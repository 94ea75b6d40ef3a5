namespace MLflow.Server.Ui.Share;

/// <summary>What of a trace is shared.</summary>
/// <param name="WithContent">Whether what was said is in it; without, there are steps, times, tokens and kinds of errors.</param>
/// <param name="Masks">Texts that are taken out, in any case.</param>
internal sealed record ShareOptions(bool WithContent, IReadOnlyList<string> Masks)
{
    /// <summary>Texts to take out, and the characters of each: every one is looked for in every value.</summary>
    public const int MostMasks = 50;
    public const int LongestMask = 200;

    /// <summary>From the fields of the form: one text a line.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: there are too many, or one is too long.</exception>
    public static ShareOptions Read(string? content, string? masks)
    {
        var texts = (masks ?? "").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.OrdinalIgnoreCase).ToList();
        return texts.Count > MostMasks || texts.Exists(text => text.Length > LongestMask)
            ? throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value for parameter 'mask' supplied: it may have {MostMasks} lines of {LongestMask} characters.")
            : new ShareOptions(content != "none", texts);
    }
}
