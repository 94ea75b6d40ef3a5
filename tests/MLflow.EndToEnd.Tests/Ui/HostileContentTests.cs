using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;
using Xunit;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>Text of strangers in every field that is stored, on every page that shows it, in a real browser: none of it runs, loads or becomes an element.</summary>
[Collection(UiTests.Name)]
public sealed class HostileContentTests(UiFixture ui) : IDisposable
{
    private const string Ran = "window.hostile=1";

    private static readonly string[] Payloads =
    [
        $"<script>{Ran}</script>", $"</script><script>{Ran}</script>", $"<img src=x onerror={Ran}>", $"\"><svg onload={Ran}>", $"'\" autofocus onfocus={Ran} x=\"", $"<iframe srcdoc='<script>parent.{Ran}</script>'>",
        $"<body onload={Ran}>", $"<details open ontoggle={Ran}>", $"<math><mtext></form><form><mglyph><style></math><img src onerror={Ran}>", $"<style>@import 'http://tracker.invalid/a.css'</style>",
        $"<a href='javascript:{Ran}'>x</a>", $"[click](javascript:{Ran})", $"[click](JaVaScRiPt&#58;{Ran})", $"[click](data:text/html,<script>{Ran}</script>)", "![pixel](http://tracker.invalid/pixel.png)",
        $"<meta http-equiv=refresh content='0;url=javascript:{Ran}'>", "<base href=http://tracker.invalid/>", "<link rel=stylesheet href=http://tracker.invalid/a.css>", "<form action=http://tracker.invalid><button>x</button></form>",
        $"{{{{constructor.constructor('{Ran}')()}}}}", $"${{{Ran}}}", $"<!--><img src=x onerror={Ran}>-->", $"<template><script>{Ran}</script></template>", "\u0000\u0008\u001b[31m\u202eevil\u2066", "<x style='background:url(http://tracker.invalid/x)'>",
        $"```html\n<script>{Ran}</script>\n```", $"<svg><a xlink:href='javascript:{Ran}'><text>x</text></a></svg>", $"<object data='data:text/html,<script>{Ran}</script>'></object>", "=HYPERLINK(\"http://tracker.invalid\")",
    ];

    // Now, so that the overview has them.
    private static readonly DateTimeOffset Start = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 60);

    private readonly HttpClient _client = new() { BaseAddress = ui.BaseAddress };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // All of them in one text, so that one trace holds the corpus in each of its fields.
    private static string All => string.Join("\n\n", Payloads);

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task Text_OfStrangers_IsShownAndNothingElse()
    {
        var experiment = await ui.CreateExperimentAsync($"hostile {string.Concat(Payloads)[..400]}");
        var traceIds = await StoreAsync(experiment);
        await StoreGatewayAsync(experiment);

        string[] pages =
        [
            $"playground?trace={traceIds[0]}", $"playground?trace={Uri.EscapeDataString(Payloads[2])}&span={Uri.EscapeDataString(Payloads[3])}&endpoint={Uri.EscapeDataString(Payloads[4])}", "settings/gateway", "settings/gateway?endpoint=hostile", "settings/gateway?edit=hostile",
            $"settings/gateway?endpoint={Uri.EscapeDataString(Payloads[2])}&edit={Uri.EscapeDataString(Payloads[3])}", "settings/gateway/keys", $"settings/gateway/keys?edit={Uri.EscapeDataString(Payloads[2])}", "settings/gateway/budgets", "settings/gateway/usage",
            $"settings/gateway/usage?endpoint={Uri.EscapeDataString(Payloads[2])}&range={Uri.EscapeDataString(Payloads[3])}", $"settings/gateway/usage?user={Uri.EscapeDataString(Payloads[2])}",
            "", $"experiments/{experiment}", $"experiments/{experiment}?q={Uri.EscapeDataString(Payloads[2])}", $"experiments/{experiment}?q={Uri.EscapeDataString($"name = '{Payloads[1].Replace("'", "", StringComparison.Ordinal)}'")}",
            $"experiments/{experiment}/overview?range=1h", $"experiments/{experiment}/overview?range={Uri.EscapeDataString(Payloads[3])}", $"experiments/{experiment}/sessions", $"experiments/{experiment}/sessions?after={Uri.EscapeDataString(Payloads[3])}",
            $"experiments/{experiment}/session?id={Uri.EscapeDataString(Payloads[2])}", $"experiments/{experiment}/session?id={Uri.EscapeDataString(Payloads[4])}",
            $"traces/{Uri.EscapeDataString(Payloads[2])}", $"traces/{traceIds[0]}?span={Uri.EscapeDataString(Payloads[3])}&tab={Uri.EscapeDataString(Payloads[3])}",
            $"compare?traces={string.Join(',', traceIds)}", $"compare?traces={Uri.EscapeDataString(Payloads[2])}", $"experiments/{experiment}/review", $"experiments/{experiment}/review?name={Uri.EscapeDataString(Payloads[3])}",
            $"experiments/{experiment}/review?q={Uri.EscapeDataString(Payloads[2])}", $"traces/{traceIds[0]}/share", $"traces/{Uri.EscapeDataString(Payloads[2])}/share", $"settings/prices?q={Uri.EscapeDataString(Payloads[3])}", "settings/retention",
            .. from trace in traceIds
               from view in (string[])["", "?whole=1", "?tab=io&v=read", "?tab=attrs&v=read", "?tab=events&v=read", "?tab=http&v=read", "?tab=raw&v=read", "?tab=stream&v=read", "?span=0000000000000002&v=read", "?span=0000000000000002&tab=io&v=read"]
               select $"traces/{trace}{view}",
        ];
        foreach (var path in pages)
        {
            await using var opened = await ui.OpenAsync(path);
            var dialogs = 0;
            opened.Page.Dialog += (_, dialog) =>
            {
                dialogs++;
                _ = dialog.DismissAsync();
            };

            // What would run on a click or a hover runs on one.
            foreach (var link in await opened.Page.Locator("main a:not([href^=http]):not([href^=mailto])").AllAsync())
            {
                Assert.DoesNotMatch("(?i)^\\s*(javascript|data|vbscript):", await link.GetAttributeAsync("href") ?? "");
            }

            var found = await opened.Page.EvaluateAsync<string[]>("""
                () => [
                  ...(window.hostile ? ['it ran'] : []),
                  ...Array.from(document.querySelectorAll('iframe, object, embed, form[action^=http], meta[http-equiv], main img, main style, main script, main svg a, template, math, details[ontoggle], base[href*=tracker], link[href*=tracker]'), e => e.outerHTML.slice(0, 200)),
                  ...Array.from(document.querySelectorAll('*')).flatMap(e => Array.from(e.attributes)).filter(a => a.name.startsWith('on') || a.name === 'srcdoc' || (a.name === 'style' && a.value.includes('url('))).map(a => a.name + '=' + a.value.slice(0, 100)),
                ]
                """);

            Assert.True(found.Length == 0, $"{path}: {string.Join("; ", found)}");
            Assert.Equal(0, dialogs);
            Assert.All(opened.Requests, request => Assert.Equal(ui.BaseAddress.Authority, request.Authority));
            Assert.DoesNotContain(opened.Complaints, complaint => !complaint.Contains("404", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Text_OfStrangers_IsReadAsItWasWritten()
    {
        var experiment = await ui.CreateExperimentAsync("hostile, to be read");
        var traceId = (await StoreAsync(experiment))[0];
        await using var opened = await ui.OpenAsync($"traces/{traceId}?tab=io&v=read");

        await Assertions.Expect(opened.Page.Locator("main")).ToContainTextAsync($"<img src=x onerror={Ran}>");
    }

    private async Task<List<string>> StoreAsync(long experiment)
    {
        var chat = JsonSerializer.Serialize(new
        {
            model = All,
            messages = Payloads.Select((payload, i) => new { role = i % 2 == 0 ? "user" : "assistant", content = payload }).Append(new { role = Payloads[0], content = All }),
            tools = new[] { new { type = "function", function = new { name = Payloads[2], description = All, parameters = new { type = "object", properties = new Dictionary<string, object> { [Payloads[3]] = new { type = Payloads[4] } } } } } },
        });
        var answer = JsonSerializer.Serialize(new
        {
            choices = new[]
            {
                new { message = new { role = "assistant", content = All, refusal = All, tool_calls = new[] { new { id = Payloads[1], type = "function", function = new { name = Payloads[2], arguments = JsonSerializer.Serialize(new Dictionary<string, string> { [Payloads[3]] = All }) } } } }, finish_reason = Payloads[0] },
            },
        });
        var ids = new List<string>();
        foreach (var (inputs, outputs, type) in ((string, string, string)[])[(chat, answer, "CHAT_MODEL"), (JsonSerializer.Serialize(All), JsonSerializer.Serialize(new Dictionary<string, string> { [All] = All }), Payloads[2])])
        {
            var otel = Guid.NewGuid().ToString("n");
            ids.Add("tr-" + otel);
            object[] attributes =
            [
                Attribute("mlflow.spanInputs", inputs), Attribute("mlflow.spanOutputs", outputs), Attribute("mlflow.spanType", type), Attribute("mlflow.chat.tools", JsonSerializer.Serialize(JsonDocument.Parse(chat).RootElement.GetProperty("tools"))),
                Attribute("mlflow.llm.model", All), Attribute("session.id", All), Attribute("user.id", All), Attribute("url.full", $"javascript:{Ran}"), Attribute("http.request.method", Payloads[0]), Attribute("mlflow.stream.end", Payloads[2]),
                .. Payloads.Select((payload, i) => Attribute($"{payload}{i}", payload)),
            ];
            object Span(string id, string? parent) => new
            {
                traceId = otel,
                spanId = id,
                parentSpanId = parent,
                name = All,
                startTimeUnixNano = At(0),
                endTimeUnixNano = At(1000),
                attributes,
                status = new { code = 2, message = All },
                events = new[]
                {
                    new { name = "exception", timeUnixNano = At(500), attributes = new[] { Attribute("exception.type", Payloads[2]), Attribute("exception.message", All), Attribute("exception.stacktrace", All) } },
                    new { name = All, timeUnixNano = At(600), attributes = new[] { Attribute(Payloads[2], All) } },
                    new { name = "mlflow.chunk", timeUnixNano = At(700), attributes = new[] { Attribute("mlflow.chunk.value", JsonSerializer.Serialize(new { choices = new[] { new { delta = new { content = All } } } })) } },
                },
            };
            using var request = new HttpRequestMessage(HttpMethod.Post, "v1/traces")
            {
                Content = JsonContent.Create(new { resourceSpans = new[] { new { resource = new { attributes = new[] { Attribute("service.name", All) } }, scopeSpans = new[] { new { scope = new { name = All, version = All }, spans = new[] { Span("0000000000000001", null), Span("0000000000000002", "0000000000000001") } } } } } }),
            };
            request.Headers.Add("x-mlflow-experiment-id", experiment.ToString(System.Globalization.CultureInfo.InvariantCulture));
            await RequireAsync(await _client.SendAsync(request, Token));
            await PostAsync("api/3.0/mlflow/traces", new
            {
                trace = new
                {
                    trace_info = new
                    {
                        trace_id = ids[^1],
                        client_request_id = Payloads[2],
                        trace_location = new { type = "MLFLOW_EXPERIMENT", mlflow_experiment = new { experiment_id = experiment.ToString(System.Globalization.CultureInfo.InvariantCulture) } },
                        request_preview = All,
                        response_preview = All,
                        request_time = Start.ToString("O", System.Globalization.CultureInfo.InvariantCulture),
                        execution_duration = "1s",
                        state = "ERROR",
                        tags = new Dictionary<string, string> { ["mlflow.traceName"] = All, ["hostile"] = All, ["<b>key</b>"] = Payloads[2] },
                        trace_metadata = new Dictionary<string, string> { ["mlflow.trace.session"] = Payloads[2], ["mlflow.trace.user"] = Payloads[3], ["mlflow.source.name"] = All },
                    },
                },
            });
            await PostAsync($"api/3.0/mlflow/traces/{ids[^1]}/assessments", new
            {
                assessment = new { assessment_name = Payloads[2], trace_id = ids[^1], source = new { source_type = "HUMAN", source_id = Payloads[3] }, feedback = new { value = All }, rationale = All, metadata = new Dictionary<string, string> { [Payloads[0]] = All } },
            });
        }

        await PostAsync("api/2.0/mlflow/experiments/set-experiment-tag", new { experiment_id = experiment.ToString(System.Globalization.CultureInfo.InvariantCulture), key = "hostile", value = All });
        await PostAsync("api/2.0/mlflow/runs/create", new { experiment_id = experiment.ToString(System.Globalization.CultureInfo.InvariantCulture), run_name = Payloads[2], tags = new[] { new { key = "hostile", value = All } } });
        return ids;
    }

    private async Task StoreGatewayAsync(long experiment)
    {
        const string Root = "api/3.0/mlflow/gateway/";
        var secret = await MakeAsync("secrets/create", new { secret_name = Payloads[2], secret_value = new Dictionary<string, string> { ["api_key"] = Payloads[0] + Payloads[3], [Payloads[2]] = Payloads[0] }, auth_config = new Dictionary<string, string> { ["api_base"] = "https://llm.example/v1", [Payloads[2]] = string.Concat(All.Where(c => !char.IsControl(c)).Take(2000)) } }, "secret", "secret_id");
        var model = await MakeAsync("model-definitions/create", new { name = Payloads[2], secret_id = secret, provider = "openai", model_name = Payloads[3] }, "model_definition", "model_definition_id");
        await MakeAsync("model-definitions/create", new { name = Payloads[4], secret_id = secret, provider = "openai", model_name = Payloads[0] }, "model_definition", "model_definition_id");
        await MakeAsync("endpoints/create", new { name = "hostile", experiment_id = experiment.ToString(System.Globalization.CultureInfo.InvariantCulture), model_configs = new[] { new { model_definition_id = model } } }, "endpoint", "endpoint_id");
        await MakeAsync("budgets/create", new { budget_amount = 1, duration = new { unit = "DAYS", value = 1 }, target_scope = "USER", target_value = Payloads[2], budget_action = "ALERT" }, "budget_policy", "budget_policy_id");

        async Task<string?> MakeAsync(string path, object body, string what, string id)
        {
            var response = await _client.PostAsJsonAsync(new Uri(Root + path, UriKind.Relative), body, Token);
            var text = await response.Content.ReadAsStringAsync(Token);
            Assert.True(response.IsSuccessStatusCode, text);
            return JsonElement.Parse(text).GetProperty(what).GetProperty(id).GetString();
        }
    }

    private static string At(int milliseconds) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Start.AddMilliseconds(milliseconds).ToUnixTimeMilliseconds()}000000");

    private static object Attribute(string key, string value) => new { key, value = new { stringValue = value } };

    private async Task PostAsync(string path, object body) => await RequireAsync(await _client.PostAsJsonAsync(new Uri(path, UriKind.Relative), body, Token));

    private static async Task RequireAsync(HttpResponseMessage response)
    {
        using (response)
        {
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Token));
        }
    }
}
