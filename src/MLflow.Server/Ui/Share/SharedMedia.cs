using System.Globalization;
using System.Text.RegularExpressions;
using MLflow.Server.Access.Guards;
using MLflow.Server.Artifacts;
using MLflow.Server.Traces;

namespace MLflow.Server.Ui.Share;

/// <summary>Puts pictures and sounds that a client uploaded beside its spans into the spans themselves.</summary>
internal sealed partial class SharedMedia
{
    /// <summary>Bytes of one file, and of all of a trace: a shared page is opened as a whole.</summary>
    private const long MostBytes = 8 << 20;
    private const long MostBytesOfAll = 32 << 20;

    private readonly TraceFiles _files;
    private readonly ArtifactGuard _guard;

    public SharedMedia(TraceFiles files, ArtifactGuard guard)
    {
        _files = files;
        _guard = guard;
    }

    public async Task<List<SpanRecord>> EmbedAsync(TraceInfo info, List<SpanRecord> spans, CancellationToken cancellationToken)
    {
        if (!info.Tags.TryGetValue(TraceKeys.ArtifactLocation, out var location))
        {
            return spans;
        }

        var embedded = new Dictionary<string, string>(StringComparer.Ordinal);
        var bytes = 0L;
        foreach (Match reference in spans.SelectMany(span => span.Attributes).SelectMany(attribute => Reference().Matches(attribute.Value)))
        {
            if (!embedded.ContainsKey(reference.Value) && await ReadAsync(location, reference, cancellationToken).ConfigureAwait(false) is { } content && bytes + content.Length <= MostBytesOfAll)
            {
                bytes += content.Length;
                embedded[reference.Value] = $"data:{Type(reference)};base64,{Convert.ToBase64String(content)}";
            }
        }

        return embedded.Count == 0 ? spans : [.. spans.Select(span => span with
        {
            Attributes = [.. span.Attributes.Select(attribute => KeyValuePair.Create(attribute.Key, Reference().Replace(attribute.Value, match => embedded.GetValueOrDefault(match.Value, match.Value))))],
        })];
    }

    private static string Type(Match reference) => Uri.UnescapeDataString(reference.Groups["type"].Value);

    private async Task<byte[]?> ReadAsync(string location, Match reference, CancellationToken cancellationToken)
    {
        if (!Shown().IsMatch(Type(reference)) || !Guid.TryParse(reference.Groups["id"].Value, out var id) || TraceFiles.PathOf(location, id.ToString("d", CultureInfo.InvariantCulture)) is not { } path)
        {
            return null;
        }

        try
        {
            // The location is a tag, which may have been set to what is another's.
            await _guard.RequireReadAsync(path).ConfigureAwait(false);
            await using var file = _files.OpenRead(location, path[(path.LastIndexOf('/') + 1)..]);
            if (file is null || file.Length > MostBytes)
            {
                return null;
            }

            var content = new byte[file.Length];
            await file.ReadExactlyAsync(content, cancellationToken).ConfigureAwait(false);
            return content;
        }
        catch (MlflowException)
        {
            return null;
        }
    }

    // mlflow-attachment://0f5c…?content_type=image%2Fpng&trace_id=tr-…
    [GeneratedRegex("""mlflow-attachment://(?<id>[0-9a-fA-F-]{36})\?content_type=(?<type>[\w%/+.-]{1,100})[^"\\\s]*""", RegexOptions.ExplicitCapture)]
    private static partial Regex Reference();

    [GeneratedRegex("^(image/(png|jpeg|gif|webp)|audio/(wav|x-wav|mpeg|mp3|ogg|webm))$")]
    private static partial Regex Shown();
}
