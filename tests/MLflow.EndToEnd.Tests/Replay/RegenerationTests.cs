using System.Collections.Concurrent;
using System.Globalization;
using Xunit;

namespace MLflow.EndToEnd.Tests.Replay;

/// <summary>
/// Every recorded exchange, sent by a plain HttpClient while it is traced, is written out of the trace that the server gives back as it was recorded, and is
/// answered by it again.
/// </summary>
[Collection("regeneration")]
public sealed class RegenerationTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Recordings_TracedAndReadBack_AreWrittenOutAsRecorded()
    {
        var exchanges = StoredExchange.LoadAll();
        Assert.SkipWhen(exchanges is null, "The recordings (../shared/recordings) are not here.");
        await using var endpoint = await ExchangeEndpoint.StartAsync(exchanges!);
        using var http = new HttpClient();
        var traceIds = new ConcurrentDictionary<StoredExchange, string>();
        await Parallel.ForEachAsync(exchanges!, Token, async (exchange, token) =>
        {
            using var root = Mlflow.StartSpan(exchange.Id);
            traceIds[exchange] = root.TraceId;
            await SendAsync(http, endpoint.Address, exchange, token);
        });
        var flushed = await Mlflow.FlushAsync(Token);
        Assert.Equal(0, flushed.Dropped + flushed.Pending);

        var differences = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (exchange, traceId) in traceIds)
        {
            var trace = await Mlflow.GetTraceAsync(traceId, Token);
            var difference = trace.Exchanges is [var written]
                ? ExchangeComparison.Compare(exchange, written) ?? await ReplayAsync(trace, exchange, written, Token)
                : $"{trace.Exchanges.Count} exchanges instead of one";
            if (difference is not null)
            {
                differences[exchange.Id] = $"{exchange.Api} {difference}";
            }
        }

        Report(exchanges!, differences);
        Assert.Empty(differences);
    }

    /// <summary>Sends the recorded request to the trace.</summary>
    private static async Task<string?> ReplayAsync(TraceRecord trace, StoredExchange exchange, RecordedExchange written, CancellationToken token)
    {
        using var http = new HttpClient(trace.CreateReplayHandler());
        var (status, body) = await SendAsync(http, new Uri("http://replayed"), exchange, token);
        return status == exchange.Status && body.AsSpan().SequenceEqual(written.ResponseBody.Span) ? null : $"replay answered {status} with {body.Length} bytes";
    }

    private static async Task<(int Status, byte[] Body)> SendAsync(HttpClient http, Uri address, StoredExchange exchange, CancellationToken token)
    {
        using var request = new HttpRequestMessage(new HttpMethod(exchange.Method), new Uri(address.GetLeftPart(UriPartial.Authority) + exchange.PathAndQuery));
        request.Headers.Add(ExchangeEndpoint.Header, exchange.Id);
        if (exchange.RequestBody.Length > 0)
        {
            request.Content = new ByteArrayContent(exchange.RequestBody);
            if (exchange.RequestContentType is { } contentType)
            {
                request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
            }
        }

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token);
        return ((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(token));
    }

    private static void Report(IReadOnlyList<StoredExchange> exchanges, SortedDictionary<string, string> differences)
    {
        var output = TestContext.Current.TestOutputHelper!;
        foreach (var api in exchanges.GroupBy(exchange => exchange.Api))
        {
            var equal = api.Count(exchange => !differences.ContainsKey(exchange.Id));
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{equal,5} of {api.Count(),5} {api.Key}"));
        }

        foreach (var (id, difference) in differences)
        {
            output.WriteLine($"  {id}: {difference}");
        }
    }
}
