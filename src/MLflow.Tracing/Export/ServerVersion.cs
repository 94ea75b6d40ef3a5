namespace MLflow;

/// <summary>Version of an MLflow server, as far as it decides what may be sent.</summary>
internal readonly record struct ServerVersion(int Major, int Minor)
{
    /// <summary>3.4 and later take spans over OTLP.</summary>
    public bool TakesSpans => IsAtLeast(3, 4);

    /// <summary>3.8 and later take compressed bodies.</summary>
    public bool TakesGzip => IsAtLeast(3, 8);

    /// <summary>Reads what <c>/version</c> answers, for example <c>3.11.2.dev0</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ServerVersion version)
    {
        version = default;
        text = text.Trim();
        var dot = text.IndexOf('.');
        if (dot < 1 || !TryParseNumber(text[..dot], out var major))
        {
            return false;
        }

        var rest = text[(dot + 1)..];
        var end = rest.IndexOfAnyExceptInRange('0', '9');
        if (!TryParseNumber(end < 0 ? rest : rest[..end], out var minor) || text.ContainsAny('<', ' ', '\n'))
        {
            return false;
        }

        version = new ServerVersion(major, minor);
        return true;
    }

    private static bool TryParseNumber(ReadOnlySpan<char> text, out int number) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out number);

    private bool IsAtLeast(int major, int minor) => Major > major || (Major == major && Minor >= minor);
}
