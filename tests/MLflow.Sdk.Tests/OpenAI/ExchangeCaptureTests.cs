using System.Text;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>What is on the span only so that the exchange can be written out again.</summary>
public sealed class ExchangeCaptureTests : CaptureTestBase
{
    [Fact]
    public async Task Stream_WithAndWithoutEventLines_TellsThemApart()
    {
        const string Body =
            "event: response.created\ndata: {\"type\":\"response.created\"}\n\n"
            + "data: {\"type\":\"response.in_progress\"}\n\n"
            + "data: {\"a\":1}\n\n"
            + "event: thread.message\ndata: {\"a\":2}\n\n"
            + "event: done\ndata: [DONE]\n\n";
        await using var server = await LoopbackServer.StartAsync(async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync(Body);
        });

        await PostAsync(server, """{"model":"gpt-4o","stream":true}""");

        var span = await SingleSpanAsync();
        Assert.Equal([null, "", null, "thread.message"], span.AllEvents.Select(e => e.Text(AttributeNames.ChunkEventType)));
        Assert.Equal("done", span.Text(AttributeNames.StreamDoneEvent));
    }

    [Theory]
    [InlineData("""{"input":"東京"}""")]
    [InlineData("")]
    public async Task Request_AnyBody_SizeTellsWhetherThereWasOne(string body)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, "{}"));

        await PostAsync(server, body);

        var span = await SingleSpanAsync();
        Assert.Equal(body.Length > 0, span.Has(AttributeNames.RequestBodySize));
        Assert.Equal(Encoding.UTF8.GetByteCount(body), span.Attribute(AttributeNames.RequestBodySize) is { Kind: AttributeValueKind.Int64 } size ? size.Int64 : 0);
    }

    private static async Task PostAsync(LoopbackServer server, string body)
    {
        using var http = new HttpClient();
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(new Uri(server.Address, "/v1/responses"), content, Token);
        await response.Content.ReadAsStringAsync(Token);
    }
}
