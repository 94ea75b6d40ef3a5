using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>The parts of a <c>multipart/form-data</c> body.</summary>
public static partial class MultipartForm
{
    public static IEnumerable<(string Name, string? FileName, string? ContentType, byte[] Content)> Parts(byte[] body, string contentType)
    {
        // One character a byte, so that offsets are those of the bytes.
        var text = Encoding.Latin1.GetString(body);
        var boundary = MediaTypeHeaderValue.Parse(contentType).Parameters.Single(parameter => parameter.Name == "boundary").Value!.Trim('"');
        foreach (var part in text.Split("--" + boundary).Skip(1).TakeWhile(part => !part.StartsWith("--", StringComparison.Ordinal)))
        {
            var end = part.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            var head = Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(part[..end]));
            yield return (
                Parameter(head, "name")!,
                Parameter(head, "filename"),
                ContentType().Match(head).Groups[1].Value.Trim() is { Length: > 0 } type ? type : null,
                Encoding.Latin1.GetBytes(part[(end + 4)..^2]));
        }
    }

    private static string? Parameter(string head, string name) =>
        Regex.Match(head, $"""[;\s]{name}=(?:"([^"]*)"|([^;\r\n]*))""", RegexOptions.IgnoreCase) is { Success: true } match
            ? match.Groups[1].Value + match.Groups[2].Value
            : null;

    [GeneratedRegex("content-type:[ \t]*([^\\s][^\r\n]*)", RegexOptions.IgnoreCase)]
    private static partial Regex ContentType();
}
