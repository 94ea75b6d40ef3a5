using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using MLflow.Cli.Demo.Scripted;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Stands in for <c>api.openai.com</c>, which programs find under its real name through <see cref="CloudProxy"/>: the scripted endpoint of the demo, behind TLS.</summary>
internal sealed class StandInOpenAI : IAsyncDisposable
{
    public const string Host = "api.openai.com";
    public const string Key = ScriptedOpenAI.ApiKey;

    private readonly HttpClient _http = new();
    private readonly ScriptedOpenAI _scripted;
    private LoopbackHost? _host;

    private StandInOpenAI(ScriptedOpenAI scripted) => _scripted = scripted;

    /// <summary>Where it is asked without a proxy: <c>http://127.0.0.1:…/v1</c></summary>
    public Uri Address => _scripted.Endpoint;

    public static async Task<StandInOpenAI> StartAsync(CancellationToken cancellationToken)
    {
        var openAI = new StandInOpenAI(await ScriptedOpenAI.StartAsync(cancellationToken: cancellationToken));
        openAI._host = await LoopbackHost.StartAsync(app => app.Run(openAI.PassAsync));
        CloudProxy.Instance.Redirect(Host, openAI._host.Port);
        return openAI;
    }

    public async ValueTask DisposeAsync()
    {
        await _host!.DisposeAsync();
        await _scripted.DisposeAsync();
        _http.Dispose();
    }

    private async Task PassAsync(HttpContext context)
    {
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), new Uri(_scripted.Endpoint, context.Request.Path));
        request.Headers.TryAddWithoutValidation("Authorization", context.Request.Headers.Authorization.ToString());
        request.Content = new StreamContent(context.Request.Body);
        request.Content.Headers.TryAddWithoutValidation("Content-Type", context.Request.ContentType);
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        context.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        await answer.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
