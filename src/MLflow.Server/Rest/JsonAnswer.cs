using System.Text.Encodings.Web;
using System.Text.Json;

namespace MLflow.Server.Rest;

/// <summary>A JSON answer that is written straight into the response.</summary>
internal sealed class JsonAnswer : IResult
{
    public static readonly JsonAnswer Empty = new(_ => { });

    /// <summary>A level of a stored value takes four in <see cref="SpanJson"/>, and stored values have up to 1024.</summary>
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true, MaxDepth = 5000 };

    private readonly Func<Utf8JsonWriter, Task> _write;
    private readonly int _statusCode;

    /// <param name="write">Writes the properties of the answer's object.</param>
    /// <param name="statusCode">The HTTP status.</param>
    public JsonAnswer(Action<Utf8JsonWriter> write, int statusCode = StatusCodes.Status200OK)
    {
        _write = writer =>
        {
            write(writer);
            return Task.CompletedTask;
        };
        _statusCode = statusCode;
    }

    /// <param name="write">Writes the properties of the answer's object, and may flush in between.</param>
    public JsonAnswer(Func<Utf8JsonWriter, Task> write)
    {
        _write = write;
        _statusCode = StatusCodes.Status200OK;
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = _statusCode;
        httpContext.Response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(httpContext.Response.Body, Options);
        writer.WriteStartObject();
        await _write(writer).ConfigureAwait(false);
        writer.WriteEndObject();
    }
}
