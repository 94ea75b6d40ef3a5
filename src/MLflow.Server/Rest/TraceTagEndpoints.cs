using System.Text.RegularExpressions;
using MLflow.Server.Storage;

namespace MLflow.Server.Rest;

/// <summary><c>…/traces/{id}/tags</c></summary>
internal static partial class TraceTagEndpoints
{
    private const int MaxKeyLength = 250;

    /// <summary>Longer values are cut, as MLflow does.</summary>
    private const int MaxValueLength = 8000;

    public static async Task<IResult> SetAsync(string traceId, HttpRequest request, ITraceStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var key = body.Required("key");
        var value = body.String("value") ?? string.Empty;
        RequireKey(key);
        await store.SetTagAsync(traceId, key, Value(value), cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: no tag can have this key.</exception>
    public static void RequireKey(string key)
    {
        if (key.Length > MaxKeyLength)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"'key' exceeds the maximum length of {MaxKeyLength} characters");
        }

        if (!Key().IsMatch(key))
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"Invalid value \"{key}\" for parameter 'key' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).");
        }
    }

    /// <summary>A value in a length that a tag can have.</summary>
    public static string Value(string value) => value.Length > MaxValueLength ? value[..MaxValueLength] : value;

    public static async Task<IResult> DeleteAsync(string traceId, HttpRequest request, ITraceStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        await store.DeleteTagAsync(traceId, body.Required("key"), cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    [GeneratedRegex(@"^[/\w.\- :]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Key();
}
