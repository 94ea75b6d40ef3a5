using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OpenAI.Chat;
using Xunit;

namespace MLflow.AspNetCore.Tests;

public sealed class RequestTracingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Request_OfAMinimalApi_IsATraceWithItsCallsBelow()
    {
        await using var app = await TracedApplication.StartAsync(app =>
        {
            app.UseMlflowTracing();
            app.MapPost("/chat/{room}", async (string room, ChatClient chat) =>
            {
                await Task.Yield();
                using (Mlflow.StartSpan("plan", SpanType.Agent))
                {
                    await chat.CompleteChatAsync(room);
                }

                await chat.CompleteChatAsync(room);
                return Results.Json(new { ok = true }, statusCode: 202);
            });
        });

        using var answer = await app.Http.PostAsync(new Uri("/chat/blue?key=sk-secret", UriKind.Relative), new StringContent("secret body"), Token);

        var trace = await app.Traces.GetTraceAsync(cancellationToken: Token);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        Assert.Equal(("POST /chat/{room}", SpanType.Chain, "OK"), (trace.Root!.Name, trace.Root.SpanType, trace.State));
        Assert.Equal("""{"method":"POST","path":"/chat/blue","route":{"room":"blue"}}""", trace.Root.Inputs.ToString());
        Assert.Equal("""{"status":202,"content_type":"application/json; charset=utf-8"}""", trace.Root.Outputs.ToString());
        Assert.Equal(("POST", "/chat/blue", "/chat/{room}", 202), (
            trace.Root.Attributes["http.request.method"].GetString(),
            trace.Root.Attributes["url.path"].GetString(),
            trace.Root.Attributes["http.route"].GetString(),
            trace.Root.Attributes["http.response.status_code"].GetInt32()));
        Assert.Equal(["plan", "AsyncCompletions"], trace.ChildrenOf(trace.Root).Select(span => span.Name));
        Assert.Equal("AsyncCompletions", Assert.Single(trace.ChildrenOf(trace.GetSpan("plan"))).Name);
        Assert.DoesNotContain("secret", string.Concat(trace.Spans.SelectMany(span => span.Attributes.Values)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_WhoseDescriptionFails_IsTracedAndAnswered()
    {
        await using var app = await TracedApplication.StartAsync(app =>
        {
            // Too late for a header.
            app.Use(async (context, next) =>
            {
                await context.Response.StartAsync(Token);
                await next(context);
            });
            app.UseMlflowTracing(o => o.ResponseHeader = "x-mlflow-trace-id");
            app.MapGet("/", (HttpContext context) => context.Response.WriteAsync("fine", Token));
        });

        Assert.Equal("fine", await app.Http.GetStringAsync(new Uri("/", UriKind.Relative), Token));
        Assert.Equal("GET /", (await app.Traces.GetTraceAsync(cancellationToken: Token)).Root!.Name);
    }

    [Fact]
    public async Task Settings_OfTheProcessThatAreWrong_AreToldAtTheStart()
    {
        using var program = MisconfiguredApplication.Start();
        var errors = await program.StandardError.ReadToEndAsync(Token);
        await program.WaitForExitAsync(Token);

        Assert.Equal(3, program.ExitCode);
        Assert.StartsWith("The tracking URI 'no address' is not supported", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Option_WhoseExceptionFailsItself_HarmsNoRequest()
    {
        await using var app = await TracedApplication.StartAsync(app =>
        {
            app.UseMlflowTracing(o =>
            {
                o.Filter = _ => throw new MLflow.Tests.HostileException();
                o.User = _ => throw new MLflow.Tests.HostileException();
            });
            app.MapGet("/", () => "fine");
        });

        Assert.Equal("fine", await app.Http.GetStringAsync(new Uri("/", UriKind.Relative), Token));
        Assert.Equal("GET /", (await app.Traces.GetTraceAsync(cancellationToken: Token)).Root!.Name);
    }

    [Fact]
    public async Task Requests_InParallelOfAController_KeepTheirOwnCalls()
    {
        await using var app = await TracedApplication.StartAsync(app =>
        {
            app.UseMlflowTracing();
            app.MapControllers();
        });

        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => app.Http.GetStringAsync(new Uri($"/api/ask/{i}", UriKind.Relative), Token)));

        var traces = await app.Traces.GetTracesAsync(cancellationToken: Token);
        Assert.Equal(Enumerable.Range(0, 20), traces.Select(trace => int.Parse(trace.Root!.Inputs!.Value.GetProperty("route").GetProperty("id").GetString()!, System.Globalization.CultureInfo.InvariantCulture)).Order());
        Assert.All(traces, trace =>
        {
            Assert.Equal("GET /api/ask/{id:int}", trace.Root!.Name);
            var call = Assert.Single(trace.ChildrenOf(trace.Root));
            Assert.Contains($"question {trace.Root.Inputs!.Value.GetProperty("route").GetProperty("id")}\"", call.Inputs.ToString(), StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("/lines")]
    [InlineData("/events")]
    public async Task Stream_WithCallsBetweenItsParts_KeepsParentsToItsEnd(string path)
    {
        await using var app = await TracedApplication.StartAsync(app =>
        {
            app.UseMlflowTracing();
            app.MapGet("/lines", (ChatClient chat) => Answers(chat));
            app.MapGet("/events", (ChatClient chat) => TypedResults.ServerSentEvents(Answers(chat)));
        });

        Assert.Equal(3, (await app.Http.GetStringAsync(new Uri(path, UriKind.Relative), Token)).Split("Paris").Length - 1);

        var trace = await app.Traces.GetTraceAsync(cancellationToken: Token);
        Assert.Equal(["AsyncCompletions", "step 0", "AsyncCompletions", "step 1", "AsyncCompletions", "step 2"], trace.ChildrenOf(trace.Root!).Select(span => span.Name));
        Assert.Equal(7, trace.Spans.Count);

        static async IAsyncEnumerable<string> Answers(ChatClient chat, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            for (var i = 0; i < 3; i++)
            {
                ChatCompletion answer = await chat.CompleteChatAsync([new UserChatMessage("next")], cancellationToken: cancellationToken);
                Mlflow.StartSpan($"step {i}", SpanType.Task).Dispose();
                yield return answer.Content[0].Text;
            }
        }
    }

    [Fact]
    public async Task Request_Aborted_IsRecordedAsCancelledWithItsCall()
    {
        var asked = new TaskCompletionSource();
        var ended = new TaskCompletionSource();
        await using var app = await TracedApplication.StartAsync(
            app =>
            {
                app.Use(async (context, next) =>
                {
                    try
                    {
                        await next(context);
                    }
                    finally
                    {
                        ended.SetResult();
                    }
                });
                app.UseMlflowTracing();
                app.MapGet("/slow", (ChatClient chat, CancellationToken aborted) => chat.CompleteChatAsync([new UserChatMessage("x")], cancellationToken: aborted));
            },
            async context =>
            {
                asked.SetResult();
                var gone = new TaskCompletionSource();
                await using var registration = context.RequestAborted.Register(gone.SetResult);
                await gone.Task;
            });
        using var abort = new CancellationTokenSource();
        var request = app.Http.GetStringAsync(new Uri("/slow", UriKind.Relative), abort.Token);
        await asked.Task;
        await abort.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);

        // The server notices in its own time that nobody waits.
        await ended.Task.WaitAsync(Token);
        var trace = await app.Traces.GetTraceAsync(cancellationToken: Token);
        Assert.Equal("ERROR", trace.State);
        Assert.True(trace.Root!.Attributes["mlflow.cancelled"].GetBoolean());
        Assert.Equal("exception", Assert.Single(trace.Root.Events).Name);
        Assert.Equal(trace.Root.SpanId, trace.GetSpan(spanType: SpanType.ChatModel).ParentId);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Exception_OfAnEndpoint_IsRecordedAndReachesTheApplicationsHandler(bool isHandledFurtherIn)
    {
        await using var app = await TracedApplication.StartAsync(app =>
        {
            if (isHandledFurtherIn)
            {
                app.UseMlflowTracing();
            }

            app.UseExceptionHandler(handler => handler.Run(context => context.Response.WriteAsync("handled")));
            if (!isHandledFurtherIn)
            {
                app.UseMlflowTracing();
            }

            app.MapGet("/fails", void () => throw new InvalidOperationException("out of order"));
        });

        using var answer = await app.Http.GetAsync(new Uri("/fails", UriKind.Relative), Token);

        Assert.Equal((HttpStatusCode.InternalServerError, "handled"), (answer.StatusCode, await answer.Content.ReadAsStringAsync(Token)));
        var root = (await app.Traces.GetTraceAsync(cancellationToken: Token)).Root!;
        Assert.Equal(("GET /fails", SpanStatusCode.Error, "InvalidOperationException: out of order"), (root.Name, root.StatusCode, root.StatusMessage));
        Assert.Contains("RequestTracingTests", Assert.Single(root.Events).Attributes["exception.stacktrace"].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_ThatAreLeftOut_AreNotTracedAndServed()
    {
        await using var app = await TracedApplication.StartAsync(app =>
        {
            app.UseMlflowTracing(o =>
            {
                o.ExcludedPaths.Add("/health*");
                o.ExcludedPaths.Add("*.css");
                o.Filter = context => context.Request.Headers["x-probe"] == "yes" ? throw new InvalidOperationException("the filter's own") : context.Request.Method != "HEAD";
            });
            app.UseMlflowTracing();
            app.MapGet("/metrics", () => "m").DisableMlflowTracing();
            app.MapFallback("{**path}", () => "served");
        });

        foreach (var path in (string[])["/Health/live", "/css/site.css"])
        {
            Assert.Equal("served", await app.Http.GetStringAsync(new Uri(path, UriKind.Relative), Token));
        }

        Assert.Equal("m", await app.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Token));
        using var head = new HttpRequestMessage(HttpMethod.Head, "/left-out");
        using var probe = new HttpRequestMessage(HttpMethod.Get, "/filter-throws") { Headers = { { "x-probe", "yes" } } };
        await app.Http.SendAsync(head, Token);
        Assert.Equal(HttpStatusCode.OK, (await app.Http.SendAsync(probe, Token)).StatusCode);

        // The two middlewares make one span.
        Assert.Equal("/filter-throws", Assert.Single((await app.Traces.GetTraceAsync(cancellationToken: Token)).Spans).Attributes["url.path"].GetString());
    }

    [Fact]
    public async Task Who_OfTheRequest_IsTheSelectorsUnlessTheProgramSaysIt()
    {
        await using var app = await TracedApplication.StartAsync(app =>
        {
            app.UseMlflowTracing(o =>
            {
                // Known only once the endpoint has run, as a user is after authentication.
                o.User = context => context.Items["user"] as string;
                o.Session = context => context.Request.Headers["x-session"];
                o.CaptureQuery = true;
                o.ResponseHeader = "x-mlflow-trace-id";
            });
            app.MapGet("/who", (HttpContext context, string? session) =>
            {
                context.Items["user"] = "ada";
                context.GetMlflowSpan()!.SetOutputs("my own");
                if (session is not null)
                {
                    Mlflow.UpdateCurrentTrace(new TraceUpdate { Session = session });
                }

                return context.GetMlflowTraceId();
            });
        });
        app.Http.DefaultRequestHeaders.Add("x-session", "s-1");

        using var first = await app.Http.GetAsync(new Uri("/who", UriKind.Relative), Token);
        using var second = await app.Http.GetAsync(new Uri("/who?session=s-2&access_token=abc", UriKind.Relative), Token);

        var traces = await app.Traces.GetTracesAsync(cancellationToken: Token);
        Assert.Equal(["ada s-1", "ada s-2"], traces.Select(trace => $"{trace.Metadata["mlflow.trace.user"]} {trace.Metadata["mlflow.trace.session"]}"));
        Assert.Equal(traces[0].TraceId, await first.Content.ReadAsStringAsync(Token));
        Assert.Equal(traces[1].TraceId, second.Headers.GetValues("x-mlflow-trace-id").Single());
        Assert.Equal("my own", traces[0].Root!.Outputs!.Value.GetString());
        Assert.Equal("""{"session":"s-2"}""", traces[1].Root!.Inputs!.Value.GetProperty("query").GetRawText());
    }

    [Fact]
    public async Task TraceParent_OfTheCaller_IsNotAdopted()
    {
        await using var app = await TracedApplication.StartAsync(app =>
        {
            app.UseMlflowTracing();
            app.MapGet("/", (HttpContext context) => context.GetMlflowTraceId());
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        using var answer = await app.Http.SendAsync(request, Token);

        var trace = await app.Traces.GetTraceAsync(cancellationToken: Token);
        Assert.Equal(trace.TraceId, await answer.Content.ReadAsStringAsync(Token));
        Assert.NotEqual("tr-0af7651916cd43dd8448eb211c80319c", trace.TraceId);
        Assert.Null(trace.Root!.ParentId);
        Assert.False(answer.Headers.Contains("x-mlflow-trace-id"));
    }

    [Fact]
    public async Task TraceParent_AskedFor_IsTheTraceOfTheRequest()
    {
        await using var app = await TracedApplication.StartAsync(app =>
        {
            app.UseMlflowTracing(o => o.AdoptTraceParent = true);
            app.MapGet("/", (HttpContext context) => context.GetMlflowTraceId());
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        using var answer = await app.Http.SendAsync(request, Token);
        var own = await app.Http.GetStringAsync(new Uri("/", UriKind.Relative), Token);

        Assert.Equal("tr-0af7651916cd43dd8448eb211c80319c", await answer.Content.ReadAsStringAsync(Token));
        Assert.NotEqual("tr-0af7651916cd43dd8448eb211c80319c", own);
        var traces = await app.Traces.GetTracesAsync(cancellationToken: Token);
        Assert.Equal(["b7ad6b7169203331", null], traces.Select(trace => Assert.Single(trace.Spans).ParentId));
    }

    [Fact]
    public async Task Applications_TwoInAProcess_DoNotMeet()
    {
        await using var first = await TracedApplication.StartAsync(Configure);
        await using var second = await TracedApplication.StartAsync(Configure);

        await Task.WhenAll(Enumerable.Range(0, 10).SelectMany(i => (Task[])[first.Http.GetStringAsync(new Uri("/first", UriKind.Relative), Token), second.Http.GetStringAsync(new Uri("/second", UriKind.Relative), Token)]));

        foreach (var (app, path) in ((TracedApplication, string)[])[(first, "/first"), (second, "/second")])
        {
            var traces = await app.Traces.GetTracesAsync(cancellationToken: Token);
            Assert.Equal(10, traces.Count);
            Assert.All(traces, trace => Assert.Equal([$"GET {path}", "AsyncCompletions"], trace.Spans.OrderBy(span => span.StartTime).Select(span => span.Name)));
        }

        static void Configure(WebApplication app)
        {
            app.UseMlflowTracing();
            app.Run(async context => await context.RequestServices.GetRequiredService<ChatClient>().CompleteChatAsync("x"));
        }
    }

    [Fact]
    public async Task Options_Wrong_AreToldAtTheStart()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Services.AddSingleton(new MlflowClient(new MlflowClientOptions { TrackingUri = "http://127.0.0.1:1" }));
        await using var app = builder.Build();

        Assert.Contains("'health' in ExcludedPaths", Assert.Throws<ArgumentException>(() => app.UseMlflowTracing(o => o.ExcludedPaths.Add("health"))).Message, StringComparison.Ordinal);
        Assert.Contains("ResponseHeader is 'x y'", Assert.Throws<ArgumentException>(() => app.UseMlflowTracing(o => o.ResponseHeader = "x y")).Message, StringComparison.Ordinal);
        Assert.Contains("new MlflowClient()", Assert.Throws<ArgumentException>(() => app.UseMlflowTracing()).Message, StringComparison.Ordinal);
    }
}
