export declare const weighedValues: Readonly<
  Record<
    string,
    readonly [range: [number, number], amount: number, make: () => unknown, where?: 'rss']
  >
>
