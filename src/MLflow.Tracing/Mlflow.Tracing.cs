namespace MLflow;

public static partial class Mlflow
{
    /// <summary>All tracing of this process.</summary>
    public static class Tracing
    {
        /// <inheritdoc cref="MlflowClient.IsEnabled"/>
        public static bool IsEnabled => Client.IsEnabled;

        /// <summary>Records traces that begin from now on, as at the start of the program.</summary>
        public static void Enable() => Client.IsEnabled = true;

        /// <summary>
        /// Records no trace that begins from now on, automatic or not, until <see cref="Enable"/>. Your code stays as it is: spans have no effect then.
        /// Traces that have begun go on to their end.
        /// </summary>
        public static void Disable() => Client.IsEnabled = false;

        /// <summary>Sets what the program does with each span at its end, before it is sent.</summary>
        /// <param name="spanProcessors">Instead of those that were set. None: nothing is done.</param>
        /// <inheritdoc cref="MlflowClient.SetSpanProcessors" path="/remarks"/>
        public static void Configure(params IEnumerable<Action<LiveSpan>> spanProcessors) => Client.SetSpanProcessors(spanProcessors);

        /// <inheritdoc cref="MlflowClient.Reset"/>
        public static void Reset() => Client.Reset();
    }
}
