using System.Text;

namespace MLflow;

/// <summary>The syntax of <c>multipart/form-data</c> (RFC 7578).</summary>
internal static class MultipartText
{
    /// <summary>The boundary that a content type names, or null where it is no form.</summary>
    public static string? BoundaryOf(string? contentType)
    {
        if (contentType is null || !contentType.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        return Parameter(contentType, "boundary") is { Length: > 0 and <= 256 } boundary ? boundary : null;
    }

    /// <summary>True for a part that holds a file: it has a file name, or is of a type that is no text.</summary>
    public static bool IsFile(string headers) =>
        Header(headers, "Content-Disposition") is { } disposition && (Parameter(disposition, "filename") ?? Parameter(disposition, "filename*")) is not null
        || (Header(headers, "Content-Type") is { } type && !type.StartsWith("text/", StringComparison.OrdinalIgnoreCase) && !IsJson(type));

    public static bool IsJson(string contentType) => contentType.StartsWith("application/json", StringComparison.OrdinalIgnoreCase);

    /// <summary>Value of a header in the lines of a part's head.</summary>
    public static string? Header(string headers, string name)
    {
        foreach (var line in headers.Split('\n'))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && line.AsSpan(0, colon).Trim().Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return line[(colon + 1)..].Trim();
            }
        }

        return null;
    }

    /// <summary>A parameter of a header's value, quoted or not.</summary>
    public static string? Parameter(string value, string name)
    {
        for (var at = value.IndexOf(';', StringComparison.Ordinal); at >= 0;)
        {
            var equals = value.IndexOf('=', at);
            if (equals < 0)
            {
                return null;
            }

            var isMeant = value.AsSpan(at + 1, equals - at - 1).Trim().Equals(name, StringComparison.OrdinalIgnoreCase);
            var text = ReadValue(value, equals + 1, out at);
            if (isMeant)
            {
                return text;
            }
        }

        return null;
    }

    private static string ReadValue(string value, int start, out int next)
    {
        while (start < value.Length && value[start] == ' ')
        {
            start++;
        }

        if (start >= value.Length || value[start] != '"')
        {
            next = value.IndexOf(';', start);
            return value[start..(next < 0 ? value.Length : next)].Trim();
        }

        var text = new StringBuilder();
        var at = start + 1;
        for (; at < value.Length && value[at] != '"'; at++)
        {
            if (value[at] == '\\' && at + 1 < value.Length && value[at + 1] is ('"' or '\\'))
            {
                at++;
            }

            text.Append(value[at]);
        }

        next = at < value.Length ? value.IndexOf(';', at) : -1;
        return text.ToString();
    }
}
