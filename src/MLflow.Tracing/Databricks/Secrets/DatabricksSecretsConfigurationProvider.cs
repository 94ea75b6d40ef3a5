using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace MLflow;

/// <summary>
/// Holds what was fetched of one scope. The usual base class is in a package that a user of the OpenAI package does not have.
/// </summary>
internal sealed class DatabricksSecretsConfigurationProvider(string scope, DatabricksSecretsConfigurationOptions options) : IConfigurationProvider, IDisposable
{
    /// <summary>Stands for the colon, which names of secrets cannot have.</summary>
    private const string Delimiter = "--";

    /// <summary>Secrets that are fetched at the same time.</summary>
    private const int MaxParallel = 8;

    private readonly CancellationTokenSource _end = new();
    private volatile Reload _reload = new();
    private volatile IReadOnlyDictionary<string, string?> _settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);

    public bool TryGet(string key, out string? value) => _settings.TryGetValue(key, out value);

    public void Set(string key, string? value) => _settings = new Dictionary<string, string?>(_settings, StringComparer.OrdinalIgnoreCase) { [key] = value };

    public IChangeToken GetReloadToken() => _reload;

    /// <summary>Configurations are built without waiting in another way.</summary>
    public void Load()
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        deadline.CancelAfter(options.Timeout);
        try
        {
            _settings = Task.Run(() => FetchAsync(deadline.Token)).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (!_end.IsCancellationRequested && !options.Optional)
        {
            throw new TimeoutException($"The secrets of scope '{scope}' did not come within {options.Timeout}: is the Databricks workspace reachable? {nameof(options.Timeout)} says how long to wait.");
        }
        catch (Exception e) when (options.Optional && e is MlflowException or ArgumentException or FormatException or OperationCanceledException)
        {
            Mlflow.Log.Warn("databricks-configuration", $"The secrets of scope '{scope}' are left out of the configuration: {e.Message}");
            return;
        }

        Interlocked.Exchange(ref _reload, new Reload()).Signal();
    }

    public IEnumerable<string> GetChildKeys(IEnumerable<string> earlierKeys, string? parentPath)
    {
        var start = parentPath is null ? "" : parentPath + ConfigurationPath.KeyDelimiter;
        return _settings.Keys
            .Where(key => key.StartsWith(start, StringComparison.OrdinalIgnoreCase))
            .Select(key => key[start.Length..].Split(ConfigurationPath.KeyDelimiter, 2)[0])
            .Concat(earlierKeys)
            .Order(Comparer<string>.Create(Compare));
    }

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
    }

    public override string ToString() => $"Databricks secrets of scope '{scope}'";

    private async Task<IReadOnlyDictionary<string, string?>> FetchAsync(CancellationToken cancellationToken)
    {
        using var client = new DatabricksSecretsClient(options.Databricks);
        var names = options.Keys.Count > 0
            ? options.Keys
            : (await client.ListAsync(scope, cancellationToken).ConfigureAwait(false)).ToDictionary(
                secret => secret.Key,
                secret => secret.Key.Replace(Delimiter, ConfigurationPath.KeyDelimiter, StringComparison.Ordinal));
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        var noText = new List<string>();
        await Parallel.ForEachAsync(names, new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = MaxParallel }, async (name, token) =>
        {
            try
            {
                var value = (await client.GetAsync(scope, name.Key, token).ConfigureAwait(false)).Reveal();
                lock (settings)
                {
                    settings[options.Section is null ? name.Value : ConfigurationPath.Combine(options.Section, name.Value)] = value;
                }
            }
            catch (MlflowException e) when (options.Optional && e.IsMissing)
            {
                // The others may be there.
            }
            catch (FormatException) when (options.Optional || options.Keys.Count == 0)
            {
                // Nobody asked for it by its name: a key file beside the texts does not keep the program from starting.
                lock (settings)
                {
                    noText.Add(name.Key);
                }
            }
        }).ConfigureAwait(false);
        if (noText.Count > 0)
        {
            Mlflow.Log.Warn(
                "databricks-configuration-bytes",
                $"Of scope '{scope}' {string.Join(", ", noText.Order(StringComparer.Ordinal).Select(key => $"'{key}'"))} {(noText.Count == 1 ? "is" : "are")} left out of the configuration: no UTF-8 text. DatabricksSecrets.GetAsync reads the bytes.");
        }

        return settings;
    }

    /// <summary>Numbers by their size, as items of lists are; they come first.</summary>
    private static int Compare(string? left, string? right) =>
        (int.TryParse(left, CultureInfo.InvariantCulture, out var a), int.TryParse(right, CultureInfo.InvariantCulture, out var b)) switch
        {
            (true, true) => a.CompareTo(b),
            (true, false) => -1,
            (false, true) => 1,
            _ => StringComparer.OrdinalIgnoreCase.Compare(left, right),
        };

    [SuppressMessage("Reliability", "CA1001", Justification = "A token that was signalled or forgotten holds nothing.")]
    private sealed class Reload : IChangeToken
    {
        private readonly CancellationTokenSource _source = new();

        public bool HasChanged => _source.IsCancellationRequested;

        public bool ActiveChangeCallbacks => true;

        public IDisposable RegisterChangeCallback(Action<object?> callback, object? state) => _source.Token.Register(callback, state);

        public void Signal() => _source.Cancel();
    }
}
