using System.Net;
using System.Text;

namespace MLflow;

/// <summary>Answers requests from the exchanges of a trace.</summary>
internal sealed class TraceReplayHandler : HttpMessageHandler
{
    private const int MaxShown = 200;

    private readonly string _traceId;
    private readonly TraceReplayOptions _options;
    private readonly TimeProvider _timeProvider;
    private readonly int _count;
    private readonly Lock _lock = new();
    private readonly List<RecordedExchange> _waiting;

    public TraceReplayHandler(string traceId, IReadOnlyList<RecordedExchange> exchanges, TraceReplayOptions options)
    {
        _traceId = traceId;
        _count = exchanges.Count;
        _waiting = [.. exchanges];
        _options = new TraceReplayOptions { MatchBody = options.MatchBody, WithTiming = options.WithTiming };
        _timeProvider = options.TimeProvider ?? TimeProvider.System;
    }

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var start = _timeProvider.GetTimestamp();
        using var body = new MemoryStream();
        request.Content?.CopyTo(body, null, cancellationToken);
        var exchange = Take(request, body.ToArray());
        if (Delay(exchange) is { } delay)
        {
            Task.Delay(delay, _timeProvider, cancellationToken).GetAwaiter().GetResult();
        }

        return Answer(request, exchange, start);
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var start = _timeProvider.GetTimestamp();
        var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        var exchange = Take(request, body);
        if (Delay(exchange) is { } delay)
        {
            await Task.Delay(delay, _timeProvider, cancellationToken).ConfigureAwait(false);
        }

        return Answer(request, exchange, start);
    }

    /// <summary>Time until the answer begins. The events of a stream are waited for one by one, where they are read.</summary>
    private TimeSpan? Delay(RecordedExchange exchange) => _options.WithTiming && !exchange.IsStream ? exchange.Duration : null;

    private HttpResponseMessage Answer(HttpRequestMessage request, RecordedExchange exchange, long start)
    {
        if (exchange.Status == 0)
        {
            throw new HttpRequestException(exchange.MissingOfResponse);
        }

        var events = exchange.IsStream
            ? exchange.Events.Select(item => (item.Time, (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(item.ToText())))
            : [(TimeSpan.Zero, exchange.ResponseBody)];
        var content = new StreamContent(new ReplayStream([.. events], exchange.BrokenBy, _options.WithTiming ? _timeProvider : null, start));
        if (exchange.ResponseContentType is { } contentType)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        var response = new HttpResponseMessage((HttpStatusCode)exchange.Status) { Content = content, RequestMessage = request };
        if (exchange.RequestId is { } id)
        {
            response.Headers.TryAddWithoutValidation("x-request-id", id);
        }

        return response;
    }

    private RecordedExchange Take(HttpRequestMessage request, byte[] body)
    {
        var contentType = request.Content?.Headers.NonValidated.TryGetValues("Content-Type", out var values) == true ? values.ToString() : null;
        lock (_lock)
        {
            // The query decides between exchanges that fit; versions of an API stand there, and secrets that were not recorded.
            var found = _waiting.Where(exchange => Fits(exchange, request, body, contentType)).OrderBy(exchange => HasQuery(exchange, request) ? 0 : 1).FirstOrDefault()
                ?? throw new InvalidOperationException(Refusal(request, body, contentType));
            _waiting.Remove(found);
            return found.Status == 0 || found.MissingOfResponse is null || found.IsStream
                ? found
                : throw new InvalidOperationException($"Trace {_traceId} does not have all of the answer to {found}: {found.MissingOfResponse}");
        }
    }

    private bool Fits(RecordedExchange exchange, HttpRequestMessage request, byte[] body, string? contentType) =>
        HasTarget(exchange, request) && (!_options.MatchBody || RequestDifference.Find(exchange, body, contentType) is null);

    private static bool HasTarget(RecordedExchange exchange, HttpRequestMessage request) =>
        exchange.Method == request.Method.Method && exchange.Url.AbsolutePath == request.RequestUri!.AbsolutePath;

    private static bool HasQuery(RecordedExchange exchange, HttpRequestMessage request) => exchange.Url.Query == request.RequestUri!.Query;

    private string Refusal(HttpRequestMessage request, byte[] body, string? contentType)
    {
        var text = new StringBuilder();
        text.Append($"Trace {_traceId} has no answer to {request.Method} {request.RequestUri!.AbsolutePath}");
        text.Append(body.Length == 0 ? ", which came without a body." : $" with the body {TracePreview.Cut(Encoding.UTF8.GetString(body), MaxShown)}");
        if (_waiting.Count == 0)
        {
            return text.Append($"\nAll of its {_count} exchanges have answered already.").ToString();
        }

        text.Append($"\nOf its {_count} exchanges these have not answered yet:");
        foreach (var exchange in _waiting)
        {
            text.Append($"\n  {exchange.Method} {exchange.Url.AbsolutePath}");
            if (HasTarget(exchange, request))
            {
                text.Append($" differs at {RequestDifference.Find(exchange, body, contentType)}");
                text.Append(exchange.MissingOfRequest is { } missing ? $" (the trace does not have the whole request: {missing})" : "");
            }
        }

        return text.ToString();
    }
}
